use backstitch::migrations;

fn main() {
    let migrations = migrations!("fail/no_type_to_be_seen", dialect = sqlite);
    println!("{}", migrations.iter().count());
}
