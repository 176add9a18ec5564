//! Drift, told from the model of the schema: what somebody has done by hand is told with the
//! migration that made it otherwise, and nothing else is.
//!
//! Method: the migrations of a small shop are applied; then each change is made by hand, told, and
//! taken back, whereupon nothing is told any more.

use backstitch::{Drift, ToldBy, Verification, Verify};
use sqlx::{MySql, Postgres};

use crate::ground::{File, Ground, Product, migrations, scenarios, tables};
use crate::verify::{objects_of_others, verified};

scenarios! {
    servers: [
        a_table_made_by_hand_is_told,
        what_stopped_half_way_is_left_out,
        what_others_make_is_left_out,
        nothing_is_told_of_a_migration_that_is_unknown,
        a_url_for_the_replay_must_lead_somewhere,
    ],
    postgres: [
        changes_by_hand_are_told_on_postgres,
        what_the_model_does_not_follow_is_left_out_and_named,
        a_tenant_is_compared_in_its_own_schema,
        extensions_that_operators_make_are_named,
        what_a_step_may_have_changed_is_left_out,
    ],
    mariadb: [
        changes_by_hand_are_told_on_mariadb,
    ],
}

/// What somebody does by hand, how it is taken back, and what is told meanwhile.
struct ByHand {
    done: &'static str,
    undone: &'static str,
    told: &'static str,
}

/// The same on every server.
const COLUMN: ByHand = ByHand {
    done: "ALTER TABLE customers ADD COLUMN phone text",
    undone: "ALTER TABLE customers DROP COLUMN phone",
    told: "not from a migration: column customers.phone (text)
    to undo it, with all that it holds: ALTER TABLE customers DROP COLUMN phone;",
};

async fn by_model<DB: Product>(
    ground: &Ground<DB>,
    set: &backstitch::Migrations<DB>,
) -> Verification {
    verified(ground, set, Verify::new()).await
}

/// The differences as they are shown, without what can be done about them.
fn shown(found: &Verification) -> Vec<String> {
    let drifted = found.drift.differences().iter();
    drifted.map(ToString::to_string).collect()
}

async fn check<DB: Product>(
    ground: Ground<DB>,
    set: &backstitch::Migrations<DB>,
    changes: &[ByHand],
) {
    set.up(ground.url()).await.expect("up works");
    for ByHand { done, undone, told } in changes {
        let clean = by_model(&ground, set).await;
        assert_eq!(shown(&clean), [""; 0], "before {done}");
        assert_eq!(clean.told_by, Some(ToldBy::Model));
        assert_eq!(clean.not_compared, [], "before {done}");
        ground.ask(done).await;
        let found = by_model(&ground, set).await;
        assert_eq!(shown(&found), [*told], "{done}");
        ground.ask(undone).await;
    }
    let clean = by_model(&ground, set).await;
    assert_eq!(clean.drift, Drift::None);
}

const CUSTOMERS: &str = "CREATE TABLE customers (
    id INTEGER PRIMARY KEY,
    email VARCHAR(200) NOT NULL,
    state VARCHAR(20) NOT NULL DEFAULT 'new',
    credit INTEGER CHECK (credit >= 0)
)";
const ORDERS: &str = "CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    customer INTEGER NOT NULL,
    CONSTRAINT orders_customer FOREIGN KEY (customer) REFERENCES customers (id) ON DELETE CASCADE
)";

fn shop<DB: Product>(more: &[(&str, File)]) -> backstitch::Migrations<DB> {
    let mut files = vec![
        (
            "0001_customers",
            File::new(CUSTOMERS, "DROP TABLE customers"),
        ),
        ("0002_orders", File::new(ORDERS, "DROP TABLE orders")),
        (
            "0003_by_email",
            File::new(
                "CREATE UNIQUE INDEX by_email ON customers (email)",
                if DB::DIALECT.has_transactional_ddl() {
                    "DROP INDEX by_email"
                } else {
                    "DROP INDEX by_email ON customers"
                },
            )
            .with("@rollbackSafe: true"),
        ),
        (
            "0004_new_customers",
            File::new(
                "CREATE VIEW new_customers AS SELECT id, email FROM customers WHERE state = 'new'",
                "DROP VIEW new_customers",
            ),
        ),
    ];
    files.extend(more.iter().cloned());
    migrations(&files)
}

async fn changes_by_hand_are_told_on_postgres(ground: Ground<Postgres>) {
    let tally = "CREATE FUNCTION tally(since integer) RETURNS integer LANGUAGE plpgsql AS $$
        BEGIN
            RETURN (SELECT count(*) FROM customers WHERE id > since);
        END $$";
    let more = [
        (
            "0005_tally",
            File::new(tally, "DROP FUNCTION tally(integer)"),
        ),
        (
            "0006_watch",
            File::new(
                "CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS \
                 'BEGIN RETURN NEW; END';
                 CREATE TRIGGER watched BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION watch();
                 CREATE TYPE mood AS ENUM ('good', 'bad')",
                "DROP TYPE mood; DROP TRIGGER watched ON orders; DROP FUNCTION watch()",
            ),
        ),
    ];
    let changes = [
        COLUMN,
        ByHand {
            done: "ALTER TABLE customers DROP COLUMN credit",
            undone: "ALTER TABLE customers ADD COLUMN credit INTEGER CHECK (credit >= 0)",
            told: "missing: column customers.credit (integer)
    as made by 0001_customers
    to undo it: ALTER TABLE customers ADD COLUMN credit integer;",
        },
        ByHand {
            done: "ALTER TABLE orders ALTER COLUMN customer TYPE bigint",
            undone: "ALTER TABLE orders ALTER COLUMN customer TYPE integer",
            told: "changed: column orders.customer type: integer → bigint
    as made by 0002_orders
    to undo it: ALTER TABLE orders ALTER COLUMN customer TYPE integer;",
        },
        ByHand {
            done: "ALTER TABLE orders ALTER COLUMN customer DROP NOT NULL",
            undone: "ALTER TABLE orders ALTER COLUMN customer SET NOT NULL",
            told: "changed: column orders.customer not null: yes → no
    as made by 0002_orders
    to undo it: ALTER TABLE orders ALTER COLUMN customer SET NOT NULL;",
        },
        ByHand {
            done: "ALTER TABLE customers ALTER COLUMN state SET DEFAULT 'old'",
            undone: "ALTER TABLE customers ALTER COLUMN state SET DEFAULT 'new'",
            told: "changed: column customers.state default: 'new' → 'old'::character varying
    as made by 0001_customers
    to undo it: ALTER TABLE customers ALTER COLUMN state SET DEFAULT 'new';",
        },
        ByHand {
            done: "DROP INDEX by_email",
            undone: "CREATE UNIQUE INDEX by_email ON customers (email)",
            told: "missing: index by_email on customers (unique, on email)
    as made by 0003_by_email
    to undo it: CREATE UNIQUE INDEX by_email ON customers (email);",
        },
        ByHand {
            done: "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'by_email'::regclass",
            undone: "REINDEX INDEX by_email",
            told: "changed: index by_email on customers valid: yes → no
    as made by 0003_by_email",
        },
        ByHand {
            done: "DROP INDEX by_email; CREATE UNIQUE INDEX by_email ON customers (email, id)",
            undone: "DROP INDEX by_email; CREATE UNIQUE INDEX by_email ON customers (email)",
            told: "changed: index by_email on customers parts: email → email, id
    as made by 0003_by_email",
        },
        ByHand {
            done: "ALTER TABLE orders DROP CONSTRAINT orders_customer",
            undone: "ALTER TABLE orders ADD CONSTRAINT orders_customer \
                FOREIGN KEY (customer) REFERENCES customers (id) ON DELETE CASCADE",
            told: "missing: constraint orders_customer on orders (foreign key (customer) to \
                   customers (id), on delete cascade, on update no action)
    as made by 0002_orders
    to undo it: ALTER TABLE orders ADD CONSTRAINT orders_customer FOREIGN KEY (customer) \
                   REFERENCES customers (id) ON DELETE CASCADE;",
        },
        ByHand {
            done: "ALTER TABLE customers DROP CONSTRAINT customers_credit_check; \
                   ALTER TABLE customers ADD CONSTRAINT customers_credit_check CHECK (credit > 100)",
            undone: "ALTER TABLE customers DROP CONSTRAINT customers_credit_check; \
                   ALTER TABLE customers ADD CONSTRAINT customers_credit_check CHECK (credit >= 0)",
            told: "changed: constraint customers_credit_check on customers condition: \
                   credit >= 0 → ((credit > 100))
    as made by 0001_customers",
        },
        ByHand {
            done: "CREATE OR REPLACE VIEW new_customers AS \
                   SELECT id, email FROM customers WHERE state = 'fresh'",
            undone: "CREATE OR REPLACE VIEW new_customers AS \
                   SELECT id, email FROM customers WHERE state = 'new'",
            told: "changed: view new_customers query:
    - select id, email from customers where state = 'new'
    +  SELECT customers.id,
    +     customers.email
    +    FROM customers
    +   WHERE ((customers.state)::text = 'fresh'::text);
    as made by 0004_new_customers",
        },
        ByHand {
            done: "CREATE OR REPLACE FUNCTION tally(since integer) RETURNS integer \
                   LANGUAGE plpgsql AS $$ BEGIN RETURN 0; END $$",
            undone: tally_again(),
            told: "changed: function tally(since integer) body:
    - RETURN (SELECT count(*) FROM customers WHERE id > since);
    + RETURN 0;
    as made by 0005_tally",
        },
        ByHand {
            done: "ALTER TABLE orders DISABLE TRIGGER watched",
            undone: "ALTER TABLE orders ENABLE TRIGGER watched",
            told: "changed: trigger watched on orders enabled: yes → no
    as made by 0006_watch",
        },
        ByHand {
            done: "CREATE INDEX by_hand ON orders (customer)",
            undone: "DROP INDEX by_hand",
            told: "not from a migration: index by_hand on orders (on customer)
    to undo it: DROP INDEX by_hand;",
        },
        ByHand {
            done: "DROP TYPE mood",
            undone: "CREATE TYPE mood AS ENUM ('good', 'bad')",
            told: "missing: type mood ('good', 'bad')
    as made by 0006_watch
    to undo it: CREATE TYPE mood AS ENUM ('good', 'bad');",
        },
    ];
    check(ground, &shop(&more), &changes).await;
}

fn tally_again() -> &'static str {
    "CREATE OR REPLACE FUNCTION tally(since integer) RETURNS integer LANGUAGE plpgsql AS $$
        BEGIN
            RETURN (SELECT count(*) FROM customers WHERE id > since);
        END $$"
}

async fn changes_by_hand_are_told_on_mariadb(ground: Ground<MySql>) {
    let tally = "CREATE PROCEDURE tally(since INT) SELECT count(*) FROM customers WHERE id > since";
    let more = [
        ("0005_tally", File::new(tally, "DROP PROCEDURE tally")),
        // One key or two, by the product.
        (
            "0006_counted",
            File::new(
                "CREATE TABLE counted (id SERIAL PRIMARY KEY, n INT DEFAULT 1)",
                "DROP TABLE counted",
            ),
        ),
    ];
    let changes = [
        COLUMN,
        ByHand {
            done: "ALTER TABLE orders MODIFY COLUMN customer INTEGER NULL",
            undone: "ALTER TABLE orders MODIFY COLUMN customer INTEGER NOT NULL",
            told: "changed: column orders.customer not null: yes → no
    as made by 0002_orders
    to undo it: ALTER TABLE orders MODIFY COLUMN customer int NOT NULL;",
        },
        ByHand {
            done: "ALTER TABLE customers MODIFY COLUMN email VARCHAR(250) NOT NULL",
            undone: "ALTER TABLE customers MODIFY COLUMN email VARCHAR(200) NOT NULL",
            told: "changed: column customers.email type: varchar(200) → varchar(250)
    as made by 0001_customers
    to undo it: ALTER TABLE customers MODIFY COLUMN email varchar(200) NOT NULL;",
        },
        ByHand {
            done: "ALTER TABLE customers ALTER COLUMN state SET DEFAULT 'old'",
            undone: "ALTER TABLE customers ALTER COLUMN state SET DEFAULT 'new'",
            told: "changed: column customers.state default: 'new' → 'old'
    as made by 0001_customers
    to undo it: ALTER TABLE customers MODIFY COLUMN state varchar(20) NOT NULL DEFAULT 'new';",
        },
        ByHand {
            done: "DROP INDEX by_email ON customers",
            undone: "CREATE UNIQUE INDEX by_email ON customers (email)",
            told: "missing: index by_email on customers (unique, on email)
    as made by 0003_by_email
    to undo it: CREATE UNIQUE INDEX by_email ON customers (email);",
        },
        ByHand {
            done: "ALTER TABLE orders DROP FOREIGN KEY orders_customer",
            undone: "ALTER TABLE orders ADD CONSTRAINT orders_customer \
                FOREIGN KEY (customer) REFERENCES customers (id) ON DELETE CASCADE",
            told: "missing: constraint orders_customer on orders (foreign key (customer) to \
                   customers (id), on delete cascade, on update no action)
    as made by 0002_orders
    to undo it: ALTER TABLE orders ADD CONSTRAINT orders_customer FOREIGN KEY (customer) \
                   REFERENCES customers (id) ON DELETE CASCADE;",
        },
        ByHand {
            done: "CREATE OR REPLACE VIEW new_customers AS SELECT id, email FROM customers",
            undone: "CREATE OR REPLACE VIEW new_customers AS \
                   SELECT id, email FROM customers WHERE state = 'new'",
            told: "changed: view new_customers query:
    - select id, email from customers where state = 'new'
    + select `customers`.`id` AS `id`,`customers`.`email` AS `email` from `customers`
    as made by 0004_new_customers",
        },
        ByHand {
            done: "DROP PROCEDURE tally; CREATE PROCEDURE tally(since INT) SELECT 0",
            undone: "DROP PROCEDURE tally; \
                CREATE PROCEDURE tally(since INT) SELECT count(*) FROM customers WHERE id > since",
            told: "changed: procedure tally body: \
                   select count(*) from customers where id > since → SELECT 0
    as made by 0005_tally",
        },
    ];
    check(ground, &shop(&more), &changes).await;
}

async fn a_table_made_by_hand_is_told<DB: Product>(ground: Ground<DB>) {
    let set = tables::<DB>(2);
    set.migrator()
        .target("0001_t1")
        .expect("it is there")
        .up(ground.url())
        .await
        .expect("up works");
    ground.ask("CREATE TABLE mine (id INTEGER)").await;
    ground.ask("DROP TABLE t1").await;
    let found = by_model(&ground, &set).await;
    assert!(!found.is_ok() && found.applied == 1, "{found}");
    let found = shown(&found);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].starts_with("missing: table t1\n    as made by 0001_t1"),
        "{found:?}"
    );
    assert!(
        found[1].starts_with("not from a migration: table mine\n    to undo it, with all that it holds: DROP TABLE mine;"),
        "{found:?}"
    );
}

async fn what_stopped_half_way_is_left_out<DB: Product>(ground: Ground<DB>) {
    let broken = File::new(
        "CREATE TABLE t2 (id INTEGER); ALTER TABLE nowhere ADD COLUMN a INTEGER",
        "DROP TABLE t2",
    )
    .with("@transaction: false");
    let set = migrations::<DB>(&[("0001_t1", File::table("t1")), ("0002_t2", broken)]);
    set.up(ground.url())
        .await
        .expect_err("there is no such table");
    ground.ask("CREATE TABLE mine (id INTEGER)").await;
    let found = by_model(&ground, &set).await;
    let told = shown(&found);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("table mine"), "{told:?}");
    let left_out: Vec<String> = found.not_compared.iter().map(ToString::to_string).collect();
    assert_eq!(left_out, ["table t2 (`0002_t2`: it stopped half-way)"]);
}

async fn what_others_make_is_left_out<DB: Product>(ground: Ground<DB>) {
    let set = tables::<DB>(1);
    set.up(ground.url()).await.expect("up works");
    objects_of_others(&ground).await;
    let external = Verify::new().external(["geo_*"]);
    let fine = verified(&ground, &set, external).await;
    assert!(fine.is_ok(), "{fine}");
    assert_eq!(shown(&by_model(&ground, &set).await).len(), 1);
}

async fn nothing_is_told_of_a_migration_that_is_unknown<DB: Product>(ground: Ground<DB>) {
    tables::<DB>(2).up(ground.url()).await.expect("up works");
    let found = by_model(&ground, &tables::<DB>(1)).await;
    let text = found.to_string();
    assert!(
        text.ends_with("drift: not known, this program does not hold what `0002_t2` ran"),
        "{text}"
    );
    assert_eq!(found.told_by, None);
}

async fn does_nothing(_connection: &mut sqlx::PgConnection) -> Result<(), sqlx::Error> {
    Ok(())
}

async fn what_a_step_may_have_changed_is_left_out(ground: Ground<Postgres>) {
    let set = migrations::<Postgres>(&[
        ("0001_t1", File::table("t1")),
        ("0002_t2", File::table("t2").with("@step: recode")),
        ("0003_t3", File::table("t3")),
    ]);
    let set = set.with_step("recode", does_nothing);
    set.up(ground.url()).await.expect("up works");
    ground.ask("ALTER TABLE t1 ADD COLUMN a integer").await;
    ground.ask("ALTER TABLE t3 ADD COLUMN a integer").await;
    let found = by_model(&ground, &set).await;
    let told = shown(&found);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("column t3.a"), "{told:?}");
    let why = "what the step `recode` does is known to the program alone";
    assert!(
        found
            .to_string()
            .contains(&format!("\nnot compared: table t1 (`0002_t2`: {why})")),
        "{found}"
    );
}

async fn a_url_for_the_replay_must_lead_somewhere<DB: Product>(ground: Ground<DB>) {
    let set = tables::<DB>(1);
    set.up(ground.url()).await.expect("up works");
    let nowhere = Verify::new().replay_on("nonsense");
    let error = set.migrator().verify(ground.url(), nowhere).await;
    let error = error.expect_err("no server").to_string();
    assert!(error.contains("not a URL"), "{error}");
}

async fn what_the_model_does_not_follow_is_left_out_and_named(ground: Ground<Postgres>) {
    let dynamic = "DO $$ DECLARE kind text := current_setting('server_version_num'); BEGIN \
        EXECUTE 'ALTER TABLE t1 ADD COLUMN v' || kind || ' integer'; END $$";
    let unread = File::new("ALTER TABLE t2 ADD COLUMN b integer", "SELECT 1");
    let text = unread.text().replace(
        "ALTER TABLE t2",
        "-- @unchecked: for the test\nALTER TABLE t2",
    );
    let folder = crate::ground::Folder::of(&[
        ("0001_t1", File::table("t1")),
        ("0002_t2", File::table("t2")),
        ("0003_t3", File::table("t3")),
        ("0005_dynamic", File::new(dynamic, "SELECT 1")),
        ("0006_t4", File::table("t4")),
    ]);
    folder.write("0004_unread.sql", &text);
    let set = folder.load::<Postgres>();
    set.up(ground.url()).await.expect("up works");
    let found = by_model(&ground, &set).await;
    assert_eq!(found.drift, Drift::None, "{found}");
    let text = found.to_string();
    assert!(
        text.contains("\nnot compared: table t2 (`0004_unread`: a statement is unchecked)"),
        "{text}"
    );
    // The block may have changed any table that was there.
    assert!(
        text.contains("\nnot compared: table t3 (`0005_dynamic`: "),
        "{text}"
    );
    assert!(
        text.contains("\nnot compared: objects that no migration names (`0005_dynamic`: "),
        "{text}"
    );
    // What was made since is compared.
    ground
        .ask("ALTER TABLE t4 ADD COLUMN by_hand integer")
        .await;
    let found = by_model(&ground, &set).await;
    assert!(found.to_string().contains("column t4.by_hand"), "{found}");
}

async fn a_tenant_is_compared_in_its_own_schema(ground: Ground<Postgres>) {
    ground.ask("CREATE SCHEMA acme; CREATE SCHEMA other").await;
    ground.ask("CREATE TABLE other.theirs (id integer)").await;
    ground.ask("CREATE TABLE nobodys (id integer)").await;
    let set = migrations::<Postgres>(&[(
        "0001_a",
        File::new(
            "CREATE TYPE mood AS ENUM ('good'); \
             CREATE TABLE a (id serial PRIMARY KEY, m mood DEFAULT 'good')",
            "DROP TABLE a; DROP TYPE mood",
        ),
    )]);
    let url = format!("{}?options=-csearch_path%3Dacme", ground.url());
    set.up(&*url).await.expect("up works");
    let fine = set.migrator().verify(&*url, Verify::new()).await;
    let fine = fine.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(fine.drift, Drift::None, "{fine}");
    let text = fine.to_string();
    for schema in ["other", "public"] {
        let named = format!("\nnot compared: schema {schema} (");
        assert!(text.contains(&named), "{text}");
    }
    ground.ask("ALTER TABLE acme.a ADD COLUMN b integer").await;
    let found = set.migrator().verify(&*url, Verify::new()).await;
    let found = found.unwrap_or_else(|error| panic!("{error}"));
    assert!(found.to_string().contains("column a.b"), "{found}");
}

async fn extensions_that_operators_make_are_named(ground: Ground<Postgres>) {
    let set = tables::<Postgres>(1);
    set.up(ground.url()).await.expect("up works");
    ground.ask("CREATE EXTENSION pgcrypto").await;
    let fine = by_model(&ground, &set).await;
    assert!(fine.is_ok(), "{fine}");
    assert!(
        fine.to_string()
            .ends_with("not compared: extension pgcrypto (no migration makes it)"),
        "{fine}"
    );
}
