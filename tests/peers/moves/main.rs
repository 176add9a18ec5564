//! Whole projects move here from each tool, with data, and nothing runs again.
//!
//! The tool applies the migrations of a shop; rows are written; then come the three commands of the
//! README. Afterwards everything is where it was, to the row; what is new applies, and what was
//! imported can be taken back.

mod odd;
mod place;
mod shop;
mod tools;

use backstitch::Tool;
use backstitch_tests::servers::Engine;

use crate::place::Place;
use crate::shop::Step;

const ENGINES: [Engine; 3] = [Engine::Postgres, Engine::MariaDb, Engine::Sqlite];

#[test]
fn from_sqlx() {
    from(Tool::Sqlx);
}

#[test]
fn from_refinery() {
    from(Tool::Refinery);
}

#[test]
fn from_diesel() {
    from(Tool::Diesel);
}

#[test]
fn from_dbmate() {
    from(Tool::Dbmate);
}

#[test]
fn from_goose() {
    from(Tool::Goose);
}

#[test]
fn from_golang_migrate() {
    from(Tool::GolangMigrate);
}

fn from(tool: Tool) {
    for engine in ENGINES {
        if let Some(place) = Place::new(engine) {
            moves(tool, &place);
        }
    }
}

fn moves(tool: Tool, place: &Place) {
    let steps = shop::steps(tool, place.engine());
    shop::write(&steps, tool, place.folder());
    tools::apply(tool, place, &steps);
    place.sql(shop::DATA);
    let before = place.state();

    is_imported(tool, place, &steps);
    // Who forgets the next step is told of it, and nothing runs.
    let applied = format!("{tool} has applied {} of these", steps.len());
    let next = format!("backstitch adopt --from {tool}");
    place.refuses("up", 1, &["[not-adopted]", &applied, &next]);
    same(&before, &place.state());
    let whole = format!("{} migrations taken over from {tool}", steps.len());
    place.says(&format!("adopt --from {tool}"), &whole);
    place.says("status --check", "healthy  everything is applied");
    place.says("up", "up to date");
    place.says(&format!("adopt --from {tool}"), "nothing to take over");
    is_as_the_migrations_make_it(place);
    same(&before, &place.state());
    goes_on(tool, place, &steps, &before);
}

/// The SQL is the same, byte for byte, and compiles.
fn is_imported(tool: Tool, place: &Place, steps: &[Step]) {
    place.says(
        &format!("import --from {tool}"),
        &format!(
            "{} migrations of {tool} were written to db/migrations",
            steps.len()
        ),
    );
    for step in steps {
        let file = place.read(&format!("db/migrations/{}.sql", step.id(tool)));
        assert!(file.contains(&step.kept(tool)), "{file}");
        if let Some(down) = &step.down {
            assert!(file.contains(down), "{file}");
        }
        if step.is_outside && tool != Tool::GolangMigrate {
            assert!(file.contains("\n-- @transaction: false\n"), "{file}");
        }
        let is_lost = step.slug == "forget_france";
        assert!(!is_lost || file.contains("\n-- @irreversible: "), "{file}");
    }
    let newest = steps.last().expect("a dozen").id(tool);
    let options = place.read("backstitch.toml");
    assert!(
        options.contains(&format!("since = \"after {newest}\"")),
        "{options}"
    );
    let said = place.says("check", &format!("{} migrations for", steps.len()));
    assert!(!said.contains("error"), "{said}");
}

/// The applied migrations, run by us elsewhere, make the same schema.
fn is_as_the_migrations_make_it(place: &Place) {
    let said = match place.engine() {
        Engine::Sqlite => place.call("verify"),
        _ => place.call(&format!("verify --replay-on {}", place.url())),
    };
    let drift = said
        .text
        .lines()
        .filter(|line| line.starts_with("  changed"));
    for line in drift {
        // The server keeps under which settings, and by whom, a view or a trigger was made.
        let is_of_the_session = line.contains(" definer: ") || line.ends_with(" sql mode:");
        assert!(
            place.engine() == Engine::MariaDb && is_of_the_session,
            "{}",
            said.text
        );
    }
    assert!(said.text.contains("history  ok"), "{}", said.text);
    assert!(
        !said.text.contains("  missing") && !said.text.contains("  added"),
        "{}",
        said.text
    );
    assert!(
        place.engine() == Engine::MariaDb || said.code == Some(0),
        "{}",
        said.text
    );
}

/// What is new applies; what is new and what was imported can be taken back, down to where nothing
/// leads back.
fn goes_on(tool: Tool, place: &Place, steps: &[Step], before: &[String]) {
    let columns = || {
        place.sql("SELECT * FROM orders ORDER BY id LIMIT 1")[0]
            .split(" | ")
            .count()
    };
    let with_note = columns();
    place.says(
        "new bills --sql 'CREATE TABLE bills (id bigint PRIMARY KEY)'",
        "_bills.sql",
    );
    place.says("up", "1 migration applied");
    place.sql("INSERT INTO bills (id) VALUES (1)");
    place.refuses("rollback", 1, &["bills", "1 row"]);
    place.says("rollback --force", "1 migration taken back");
    // The newest of what was imported.
    place.says(
        "rollback --force --reason 'nobody writes notes'",
        "1 migration taken back",
    );
    assert_eq!(columns(), with_note - 1);
    place.says("up", "2 migrations applied");
    assert_eq!(columns(), with_note);
    let rows = |state: &[String]| -> Vec<String> {
        let tables = ["customers: ", "order_items: ", "order_log: ", "products: "];
        let is_one = |line: &&String| tables.iter().any(|table| line.starts_with(table));
        state.iter().filter(is_one).cloned().collect()
    };
    same(&rows(before), &rows(&place.state()));

    let lost = steps.iter().find(|step| step.slug == "forget_france");
    let lost = lost.expect("it is there").id(tool);
    let first = steps[0].id(tool);
    let words = [lost.as_str(), "taken over from", "had no way back"];
    place.refuses(&format!("rollback --force --target {first}"), 1, &words);
    place.says("status --check", "healthy");
}

fn same(before: &[String], after: &[String]) {
    let pairs = before.iter().zip(after);
    let differs: Vec<_> = pairs.filter(|(one, other)| one != other).collect();
    assert!(
        differs.is_empty() && before.len() == after.len(),
        "{differs:#?}"
    );
}
