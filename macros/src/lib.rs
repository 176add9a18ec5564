//! `migrations!`, re-exported by the `backstitch` crate.
//!
//! The only crate that knows Rust tokens. It knows nothing about SQL: what a folder holds, and
//! what is wrong with it, `backstitch_core` tells.

mod arguments;
mod emit;
mod expand;
mod stamp;

use proc_macro::TokenStream;

/// Reads a folder of migrations while the service compiles.
///
/// The value is a [`Migrations`] of the engine, which can be made in a `static`, in a `const`
/// block, or anywhere else:
///
/// ```ignore (it needs the crate backstitch, which builds on this one)
/// use backstitch::{Migrations, migrations};
/// use sqlx::Postgres;
///
/// static MIGRATIONS: Migrations<Postgres> = migrations!("migrations", dialect = postgres);
/// ```
///
/// [`Migrations`]: https://docs.rs/backstitch/latest/backstitch/struct.Migrations.html
///
/// # Arguments
///
/// All of them can be left out. A folder and a file are seen from the folder of `Cargo.toml`.
///
/// | written | means |
/// |---|---|
/// | `migrations!()` | the folder that `backstitch.toml` names, or else `migrations` |
/// | `migrations!("db")` | the folder `db` |
/// | `migrations!("db", dialect = postgres)` | its files are SQL of PostgreSQL; the others are `sqlite`, `mysql` and `mariadb` |
/// | `migrations!(options = "db/pg.toml")` | the options stand in this file, and its `dir` is seen from there |
///
/// `backstitch.toml` stands beside `Cargo.toml`, and its `engine` says the dialect for all. Where
/// both the macro and the options say something, the macro wins. A crate with two folders gives
/// each its own options: `migrations!(options = "db/pg/backstitch.toml")`.
///
/// # Errors
///
/// A mistake in a migration is a compile error that points into the SQL file. All of them are
/// reported at once:
///
/// ```text
/// error: unknown annotation `@rolbackSafe` [annotation-unknown]
///         --> migrations/0003_add_user_email.sql:4:4
///          |
///        4 | -- @rolbackSafe: true
///          |    ^^^^^^^^^^^^ did you mean `@rollbackSafe`?
///          |
///          = why: An annotation that nobody reads would be a promise that nobody keeps.
///          = help: Write the key in full:
///                  -- @rollbackSafe: true
///
///  --> src/main.rs:4:55
///   |
/// 4 | static MIGRATIONS: Migrations<Postgres> = migrations!("migrations");
///   |                                                       ^^^^^^^^^^^^
/// ```
///
/// The code in brackets is stable. The value is then a stand-in of the right type, so that nothing
/// else is complained about.
///
/// What is only unwise comes out as a compiler warning, a use of something deprecated, because
/// stable Rust has no other warning for macros.
///
/// # When it is read again
///
/// The compiler watches every file that was read, the options and `backstitch.lock` among them:
/// editing or deleting one compiles the service again. What stable Rust cannot watch is a folder,
/// so a *new* migration is noticed when one of these holds:
///
/// - The crate has the build script `fn main() { println!("cargo:rerun-if-changed=migrations"); }`.
/// - The folder has a `backstitch.lock`, which changes with the new file.
/// - Anything else in the crate has changed.
///
/// A first `backstitch.lock` is noticed by the build script too, a first `backstitch.toml` is not:
/// run `touch src/main.rs`. In debug builds the service compares the folder with what it holds
/// when it starts, and warns.
#[proc_macro]
pub fn migrations(input: TokenStream) -> TokenStream {
    expand::expand(input.into()).into()
}
