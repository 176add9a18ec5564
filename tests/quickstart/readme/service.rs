use std::error::Error;

use backstitch::{Down, Migrations, migrations};
use sqlx::{PgPool, Postgres};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("../migrations/todo/postgres", dialect = postgres);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let pool = PgPool::connect(&std::env::var("DATABASE_URL")?).await?;
    let report = MIGRATIONS.up(&pool).await?;
    println!("{report}");

    // ... serve ...
    Ok(())
}

/// What the newest run applied goes back, although this program may not know all of it.
async fn undo_the_release(pool: &PgPool) -> Result<(), backstitch::Error> {
    let migrator = MIGRATIONS.migrator().reason("orders were lost");
    println!("{}", migrator.plan_down(pool, Down::Run).await?);
    migrator.down(pool, Down::Run).await?;
    Ok(())
}
