// A new migration compiles the service again; the compiler itself watches only the files it knows.
fn main() {
    println!("cargo:rerun-if-changed=../../migrations/todo/sqlite");
    println!("cargo:rerun-if-changed=../../migrations/todo/postgres");
}
