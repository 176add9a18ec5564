//! The model of the schema against the catalogues of real engines.
//!
//! Goal: after each migration the model says of the schema what the engine says of it, as far as it
//! claims to know. Method: the UPs of a chain are replayed on the model and run on the engine; what
//! both say is brought into one form and compared. What is known to differ is listed, each with
//! its reason, in `backstitch_tests::agreement`.

use std::path::Path;

use backstitch::Layout;
use backstitch::core::{Dialect, dir};
use backstitch_tests::agreement::{self, Course, Run};
use backstitch_tests::announce::announce;
use backstitch_tests::{corpus, servers};

/// In so many places a chain of the corpus is compared at most: a catalogue takes its time.
const LOOKS: usize = 3;

#[tokio::test]
async fn the_model_agrees_with_postgres() {
    our_example("postgres").await;
    the_corpus("postgres", 100).await;
}

#[tokio::test]
async fn the_model_agrees_with_sqlite() {
    our_example("sqlite").await;
    the_corpus("sqlite", 100).await;
}

#[tokio::test]
async fn the_model_agrees_with_mysql() {
    the_corpus("mysql", 100).await;
}

/// Every migration of the example, without exception.
async fn our_example(engine: &str) {
    let dialect = Dialect::from_name(engine).expect("a name of ours");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations/todo");
    let set = dir::load(&folder.join(engine), "todo", dialect, Layout::Annotated).set;
    assert!(set.migrations.len() > 5, "the example is read");
    let run = Run {
        set: &set,
        chain: "todo",
        preludes: &[],
        step: 1,
        goes_on: &|_| true,
    };
    let course = match engine {
        "postgres" => run.on::<sqlx::Postgres>(servers::Engine::Postgres).await,
        _ => run.on::<sqlx::Sqlite>(servers::Engine::Sqlite).await,
    };
    let Some(course) = course else { return };
    assert_eq!(course.stopped, None);
    assert_eq!(course.compared, set.migrations.len());
    assert_eq!(list("todo", &course), [""; 0]);
    assert_eq!(course.known, 0);
}

/// The corpus is compared in few places, and of those so many of a hundred are equal.
async fn the_corpus(engine: &str, percent: usize) {
    let Some(folder) = corpus::folder() else {
        announce(&format!(
            "skipped the model against {engine} on the corpus: {} leads nowhere",
            corpus::CORPUS
        ));
        return;
    };
    let dialect = Dialect::from_name(engine).expect("the corpus names engines as we do");
    let (mut compared, mut equal, mut found) = (0, 0, Vec::new());
    for chain in corpus::chains(&folder, engine) {
        let set = dir::load(&chain.dir, &chain.name, dialect, Layout::UpDown).set;
        let step = set.migrations.len().div_ceil(LOOKS);
        let Some(course) = agreement::follow_chain(&chain, &set, step).await else {
            return;
        };
        compared += course.compared;
        equal += course.equal;
        found.extend(list(&chain.name, &course));
    }
    announce(&format!(
        "the model against {engine}: {equal} of {compared} places in the corpus are equal"
    ));
    assert!(equal * 100 >= percent * compared, "{}", found.join("\n"));
}

fn list(chain: &str, course: &Course) -> Vec<String> {
    let differences = course.differences.iter();
    differences
        .map(|(id, difference)| format!("{chain}/{id}: {difference}"))
        .collect()
}
