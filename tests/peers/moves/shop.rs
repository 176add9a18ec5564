//! One project as each tool would have it: the same SQL for an engine, in the files, with the
//! versions and under the markers of the tool.

use std::path::Path;

use backstitch::Tool;
use backstitch_peers::{crlf, put};
use backstitch_tests::servers::Engine;

/// What the shop holds when it moves. The trigger writes of each order.
pub(crate) const DATA: &str = "\
    INSERT INTO customers (email, name, country) VALUES \
      ('ann@example.org', 'Ann', 'at'), ('bob@example.org', 'Bob', NULL), \
      ('chie@example.org', '千恵', 'jp'); \
    INSERT INTO products (kind, title, price_cents) VALUES \
      ('book', 'It''s; -- a book', 1250), ('record', 'Größe', 2400); \
    INSERT INTO orders (customer_id) SELECT id FROM customers; \
    INSERT INTO order_items (order_id, product_id, amount) \
      SELECT orders.id, products.id, 2 FROM orders CROSS JOIN products";

/// A migration of the shop.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) number: u32,
    pub(crate) slug: String,
    pub(crate) up: String,
    /// None where nothing leads back.
    pub(crate) down: Option<String>,
    pub(crate) is_outside: bool,
}

/// Where a body begins and ends, for the tool that has to be told.
const BODY: [(&str, &str); 2] = [
    ("--# statement end\n", "-- +goose StatementEnd\n"),
    ("--# statement\n", "-- +goose StatementBegin\n"),
];

/// The migrations of the shop, as that tool can run them.
pub(crate) fn steps(tool: Tool, engine: Engine) -> Vec<Step> {
    let text = match engine {
        Engine::Postgres | Engine::PgBouncer => include_str!("shop/postgres.sql"),
        Engine::MariaDb => include_str!("shop/mariadb.sql"),
        Engine::Sqlite => include_str!("shop/sqlite.sql"),
    };
    let mut text = text.to_owned();
    for (ours, goose) in BODY {
        let theirs = if tool == Tool::Goose { goose } else { "" };
        text = text.replace(ours, theirs);
    }
    if tool == Tool::Refinery {
        // It runs everything in a transaction, and knows no way back.
        text = text.replace(" CONCURRENTLY", "");
    }
    let mut steps: Vec<Step> = Vec::new();
    for part in text.split("--# ").skip(1) {
        let (head, sql) = part.split_once('\n').expect("a head and SQL");
        let mut words = head.split(' ');
        let slug = words.next().expect("a slug");
        if slug == "down" {
            let step = steps.last_mut().expect("a DOWN follows its UP");
            step.down = (tool != Tool::Refinery).then(|| sql.to_owned());
            continue;
        }
        let words: Vec<&str> = words.collect();
        let is_crlf = words.contains(&"crlf");
        steps.push(Step {
            number: numbered(steps.len()),
            slug: slug.to_owned(),
            up: if is_crlf { crlf(sql) } else { sql.to_owned() },
            down: None,
            is_outside: words.contains(&"outside") && tool != Tool::Refinery,
        });
    }
    assert!(steps.len() >= 13, "the shop is gone");
    steps
}

/// One number is left out: somebody has thrown a migration away before it was merged.
fn numbered(index: usize) -> u32 {
    let number = u32::try_from(index).expect("a few") + 1;
    if number > 6 { number + 1 } else { number }
}

impl Step {
    /// Its id after the import.
    pub(crate) fn id(&self, tool: Tool) -> String {
        let (number, slug) = (self.number, &self.slug);
        match tool {
            Tool::Sqlx | Tool::Diesel | Tool::Dbmate => format!("202601{number:02}100000_{slug}"),
            _ => format!("{number:04}_{slug}"),
        }
    }

    /// Writes the files that the tool reads.
    fn write(&self, tool: Tool, folder: &Path) {
        let Step {
            number,
            slug,
            up,
            down,
            is_outside,
        } = self;
        let down = down.as_deref();
        match tool {
            Tool::Sqlx => {
                let id = self.id(tool);
                put(folder, &format!("{id}.up.sql"), &self.sqlx());
                if let Some(down) = down {
                    put(folder, &format!("{id}.down.sql"), down);
                }
            }
            Tool::Refinery => {
                // `U` may come late, which does not matter here.
                let sign = if slug == "country_names" { 'U' } else { 'V' };
                put(folder, &format!("{sign}{number}__{slug}.sql"), up);
            }
            Tool::Diesel => {
                let dir = format!("2026-01-{number:02}-100000_{slug}");
                put(folder, &format!("{dir}/up.sql"), up);
                if let Some(down) = down {
                    put(folder, &format!("{dir}/down.sql"), down);
                }
                if *is_outside {
                    put(
                        folder,
                        &format!("{dir}/metadata.toml"),
                        "run_in_transaction = false\n",
                    );
                }
            }
            Tool::GolangMigrate => {
                put(folder, &format!("{number:06}_{slug}.up.sql"), up);
                if let Some(down) = down {
                    put(folder, &format!("{number:06}_{slug}.down.sql"), down);
                }
            }
            Tool::Dbmate => {
                let word = if *is_outside {
                    " transaction:false"
                } else {
                    ""
                };
                let down = down.unwrap_or_default();
                let text = format!("-- migrate:up{word}\n{up}\n-- migrate:down{word}\n{down}");
                put(folder, &format!("{}.sql", self.id(tool)), &text);
            }
            Tool::Goose => {
                let word = if *is_outside {
                    "-- +goose NO TRANSACTION\n"
                } else {
                    ""
                };
                let down = down.unwrap_or_default();
                let text = format!("{word}-- +goose Up\n{up}\n-- +goose Down\n{down}");
                put(folder, &format!("{number:05}_{slug}.sql"), &text);
            }
            _ => panic!("{tool} is new here"),
        }
    }

    /// The UP as sqlx wants it: what runs outside of a transaction says so in the first line.
    pub(crate) fn sqlx(&self) -> String {
        match self.is_outside {
            true => format!("-- no-transaction\n{}", self.up),
            false => self.up.clone(),
        }
    }

    /// What the import must have kept, byte for byte.
    pub(crate) fn kept(&self, tool: Tool) -> String {
        match tool {
            Tool::Sqlx => self.sqlx(),
            _ => self.up.clone(),
        }
    }
}

/// Writes the shop into `migrations` of that folder.
pub(crate) fn write(steps: &[Step], tool: Tool, project: &Path) {
    let folder = &project.join("migrations");
    for step in steps {
        step.write(tool, folder);
    }
    if tool == Tool::Diesel {
        // Each project has it, and it is no migration.
        put(folder, ".keep", "");
    }
}
