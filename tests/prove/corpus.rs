//! Real rollbacks: the verdict on each is that of the people who measured it by other means.
//!
//! Goal: `prove` neither misses a broken rollback nor doubts a right one. Method: chains of the
//! corpus are proven as they are, and each verdict is compared with the truth that came with the
//! corpus. Short chains are taken, for a few seconds; with `BACKSTITCH_CORPUS_ALL` all of them are.
//! Where the verdicts differ it says below why, and who is right.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use backstitch::core::migration::ForeignKeys;
use backstitch::core::source::Source;
use backstitch::core::{Dialect, Set, dir, migration};
use backstitch::testing::{Difference, Proven, Unproven, Verdict, prove};
use backstitch::{Engine, Layout, Migrations};
use backstitch_tests::announce::announce;
use backstitch_tests::corpus::{self, Chain, Truth};
use backstitch_tests::servers;
use sqlx::{MySql, Postgres, Sqlite};

use crate::course::{PROOFS, url};

/// Takes all chains, whatever time it takes.
const ALL: &str = "BACKSTITCH_CORPUS_ALL";

/// What the project's own tool had made before its first migration, or an operator: (chain, SQL).
const PRELUDES: &[(&str, &str)] = &[
    (
        "harness__harness",
        "CREATE TABLE migrations (version text);",
    ),
    (
        "bionic-gpt__bionic-gpt",
        "CREATE TABLE schema_migrations (version text);",
    ),
    (
        "brocaar__chirpstack-application-server",
        "CREATE EXTENSION pg_trgm; CREATE EXTENSION hstore;",
    ),
    ("chirpstack__chirpstack", "CREATE EXTENSION pg_trgm;"),
];

/// Where the verdict is another, rightly: (engine, chain, id, reason).
const EXCEPTIONS: &[(&str, &str, &str, &str)] = &[
    (
        "postgres",
        "brocaar__chirpstack-application-server",
        "0027_0027_global_search",
        EXTENSION,
    ),
    (
        "postgres",
        "brocaar__chirpstack-application-server",
        "0041_0041_device_variables",
        EXTENSION,
    ),
    (
        "postgres",
        "chirpstack__chirpstack",
        "0001_00000000000000_initial",
        EXTENSION,
    ),
    (
        "postgres",
        "mindersec__minder",
        "0104_000104_rm_one_entity_id_constraint",
        OPEN,
    ),
    (
        "postgres",
        "stellar__stellar-disbursement-platform-backend__sdp",
        "0081_2025_05_18_0_receiver_wallets_add_status_message",
        BLANKS,
    ),
    (
        "sqlite",
        "ory__kratos",
        "0087_20240214113828_courier_dispatch_indices",
        ASCENDING,
    ),
    (
        "sqlite",
        "ory__kratos",
        "0093_20241023142500_drop_unused_indices_identity_credentials",
        ASCENDING,
    ),
    (
        "sqlite",
        "ory__kratos",
        "0094_20241029102200_self_service",
        ASCENDING,
    ),
    (
        "sqlite",
        "ory__kratos",
        "0095_20241029153900_identities",
        ASCENDING,
    ),
    (
        "sqlite",
        "ory__kratos",
        "0106_20260114175904_drop_identity_credentials_nid_idx",
        ASCENDING,
    ),
    (
        "sqlite",
        "ory__hydra",
        "0064_20220328111500_support_any_subject_trusts",
        FOREIGN_KEYS,
    ),
    (
        "sqlite",
        "ory__hydra",
        "0074_20230908104443_change_client_pk",
        FOREIGN_KEYS,
    ),
    (
        "mysql",
        "authelia__authelia",
        "0005_V0005_ConsentSubjectNULL",
        MARIADB,
    ),
    (
        "mysql",
        "authelia__authelia",
        "0012_V0012_WebAuthnMultiCookieDomain",
        MARIADB,
    ),
];
const EXTENSION: &str = "the extension that an operator makes was made within it there";
const OPEN: &str = "the DOWN begins a transaction and does not commit it";
const BLANKS: &str = "only blanks in the body of a function differ";
const ASCENDING: &str = "the DOWN leaves out `ASC`, which an index is anyway";
const FOREIGN_KEYS: &str =
    "the DOWN leaves foreign keys that lead nowhere, and that is checked here";
const MARIADB: &str = "the truth is of MySQL, and MariaDB does it in another way";

#[tokio::test]
async fn real_rollbacks_are_judged_as_elsewhere_on_postgres() {
    agree::<Postgres>("postgres", servers::Engine::Postgres).await;
}

#[tokio::test]
async fn real_rollbacks_are_judged_as_elsewhere_on_sqlite() {
    agree::<Sqlite>("sqlite", servers::Engine::Sqlite).await;
}

#[tokio::test]
async fn real_rollbacks_are_judged_as_elsewhere_on_mysql() {
    agree::<MySql>("mysql", servers::Engine::MariaDb).await;
}

async fn agree<DB: Engine>(engine: &str, server: servers::Engine) {
    const TIME: Duration = Duration::from_secs(8);
    const SHORT: usize = 25;
    let Some(folder) = corpus::folder() else {
        let name = corpus::CORPUS;
        announce(&format!(
            "skipped the rollbacks of the corpus on {engine}: {name} leads nowhere"
        ));
        return;
    };
    let Some(url) = url(server) else {
        return;
    };
    let _reading = PROOFS.read().await;
    let all = std::env::var_os(ALL).is_some();
    let began = Instant::now();
    let mut tally = Tally::default();
    for chain in corpus::chains(&folder, engine) {
        if all || chain.truth.len() <= SHORT && began.elapsed() < TIME {
            tally.chain::<DB>(&chain, &url).await;
        }
    }
    announce(&format!(
        "rollbacks on {engine}: {} of {} judged agree in {} chains; {} cannot be judged",
        tally.agreed,
        tally.agreed + tally.differing.values().sum::<usize>() + tally.wrong.len(),
        tally.chains,
        tally.unjudged,
    ));
    for (reason, count) in &tally.differing {
        announce(&format!("  {count} differ rightly: {reason}"));
    }
    assert!(tally.wrong.is_empty(), "{}", tally.wrong.join("\n\n"));
}

/// How the verdicts fared.
#[derive(Default)]
struct Tally {
    chains: usize,
    agreed: usize,
    unjudged: usize,
    /// How many differ for which reason.
    differing: BTreeMap<&'static str, usize>,
    /// Accounts of those that differ and should not.
    wrong: Vec<String>,
}

impl Tally {
    async fn chain<DB: Engine>(&mut self, chain: &Chain, url: &str) {
        self.chains += 1;
        let proof = match prove(&load::<DB>(chain), url).await {
            Ok(proof) | Err(Unproven::Broken(proof)) => proof,
            Err(error) => panic!("{}: {error}", chain.name),
        };
        for proven in &proof.migrations {
            if let Some(truth) = chain.truth.get(&proven.id) {
                self.verdict(chain, proven, truth);
            }
        }
    }

    fn verdict(&mut self, chain: &Chain, proven: &Proven, truth: &Truth) {
        let (Some(expected), Some(found)) = (expected(truth), found(&proven.verdict)) else {
            self.unjudged += 1;
            return;
        };
        let exception = EXCEPTIONS
            .iter()
            .find(|one| (one.0, one.1, one.2) == (&chain.engine, &chain.name, &proven.id));
        match exception {
            _ if expected == found => self.agreed += 1,
            Some((.., reason)) => *self.differing.entry(reason).or_default() += 1,
            None => self.wrong.push(format!(
                "{}/{}: {expected} by the truth ({}), here {}\n{}",
                chain.name,
                proven.id,
                truth.note,
                proven.verdict,
                account(&proven.verdict)
            )),
        }
    }
}

/// What the truth says, in the words of [`found`]. `None`: nothing about a DOWN.
fn expected(truth: &Truth) -> Option<&'static str> {
    let down = (truth.down_present.as_str(), truth.down_runs.as_str());
    Some(
        match (truth.up_applies.as_str(), down, truth.down_reverts.as_str()) {
            ("yes", ("no" | "empty", _), _) => "no DOWN",
            ("yes", (_, "no"), _) => "fails",
            ("yes", (_, "yes"), "yes") => "reverts",
            ("yes", (_, "yes"), "colorder") => "reorders",
            ("yes", (_, "yes"), "no") => "leaves",
            _ => return None,
        },
    )
}

/// What was found about the DOWN; whether the UP can run again was not measured by the truth.
/// `None`: it was not come to.
fn found(verdict: &Verdict) -> Option<&'static str> {
    Some(match verdict {
        Verdict::Reverts | Verdict::UpAgainFails(_) | Verdict::UpAgainDiffers(_) => "reverts",
        Verdict::Reorders(_) => "reorders",
        Verdict::Irreversible(_) => "no DOWN",
        Verdict::Leaves(_) => "leaves",
        Verdict::DownFails(_) => "fails",
        _ => return None,
    })
}

fn account(verdict: &Verdict) -> String {
    let lines: Vec<String> = match verdict {
        Verdict::Leaves(differences) | Verdict::Reorders(differences) => {
            differences.iter().map(Difference::to_string).collect()
        }
        Verdict::DownFails(found) => found.iter().map(|one| one.message.clone()).collect(),
        _ => Vec::new(),
    };
    lines.join("\n")
}

/// The chain as it is, behind its prelude.
fn load<DB: Engine>(chain: &Chain) -> Migrations<DB> {
    // What is wrong with a file is told when it runs.
    let loaded = dir::load(&chain.dir, &chain.name, DB::DIALECT, Layout::UpDown);
    let mut migrations = loaded.set.migrations;
    if DB::DIALECT == Dialect::Sqlite {
        // The truth was measured as the `sqlite3` shell has it.
        for migration in &mut migrations {
            migration.foreign_keys = ForeignKeys::Off;
        }
    }
    if let Some((_, sql)) = PRELUDES.iter().find(|(name, _)| *name == chain.name) {
        let text = format!("-- @irreversible: it is not part of the chain\n-- UP MIGRATION\n{sql}");
        let source = Source::new("prelude.sql", text);
        let (prelude, _) = migration::parse("0000_prelude", &source, DB::DIALECT);
        migrations.push(prelude.expect("it has an UP"));
    }
    let (set, _) = Set::new(DB::DIALECT, migrations);
    Migrations::from_set(set)
}
