use backstitch::engines::{Postgres, Sqlite};
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!("fail/good", dialect = postgres);

async fn start(pool: &sqlx::Pool<Sqlite>) {
    MIGRATIONS.up(pool).await.expect("it starts");
}

fn main() {
    let _ = start;
}
