//! Starters spread over the three nodes of a Galera cluster, one of which is killed in the middle.
//!
//! `GET_LOCK` is a lock of one node, so it would keep nobody apart here.

use std::time::Duration;

use backstitch_tests::announce::announce;
use backstitch_tests::process::{Finished, Process};
use sqlx::MySql;

use crate::course::{Course, ids};
use crate::ground::{Ground, until};
use crate::length::{Lot, times};
use crate::own::mariadb::{MariaDb, cluster};

const LENGTH: usize = 4;
/// How many processes start at once.
const STARTS: usize = 9;

#[tokio::test]
async fn starters_are_spread_over_the_nodes_and_one_node_is_killed() {
    let Some(mut nodes) = cluster().await else {
        return;
    };
    let mut lot = Lot::announced("starters on a Galera cluster");
    let course = Course::of(LENGTH);
    let rounds = times(2, 20);
    let grounds: Vec<Ground<MySql>> = nodes.iter().map(|node| Ground::at(node.url())).collect();
    for round in 1..=rounds {
        let ended = together(&course, &nodes);
        let mut ran: Vec<String> = Vec::new();
        for end in &ended {
            ran.extend(ids(end, &format!("round {round} on a cluster")));
        }
        assert_eq!(ran.len(), LENGTH, "round {round}: {ran:?}");
        judge(&course, &grounds, LENGTH).await;
        course.undo(&grounds[round % 3], "between the rounds").await;
    }

    // Now the node of the one that has begun dies, and the others wait until its lease has ended.
    let mut cut = 0;
    let deaths = times(1, 5);
    for death in 1..=deaths {
        let when = format!("death {death} of a node");
        let first = Process::start(course.process(&nodes[2].url(), &["tell"]));
        first.wait_for("started");
        std::thread::sleep(Duration::from_millis(lot.below(60)));
        nodes[2].kill();
        let others = start(&course, &nodes[..2]);
        cut += usize::from(first.wait().code != Some(0));
        for process in others {
            ids(&process.wait(), &when);
        }
        judge(&course, &grounds[..2], LENGTH).await;
        course.undo(&grounds[1], &when).await;
        if death < deaths {
            nodes[2].start(&[]).await;
        }
    }
    announce(&format!(
        "{rounds} rounds of {STARTS} starters on a Galera cluster, and {deaths} deaths of a node, \
         {cut} of them in the middle of a run"
    ));
}

fn start(course: &Course, nodes: &[MariaDb]) -> Vec<Process> {
    let urls = nodes.iter().map(MariaDb::url).cycle().take(STARTS);
    urls.map(|url| Process::start(course.process(&url, &[])))
        .collect()
}

fn together(course: &Course, nodes: &[MariaDb]) -> Vec<Finished> {
    let processes = start(course, nodes);
    processes.into_iter().map(Process::wait).collect()
}

/// All nodes tell the same, and history and catalogue agree.
async fn judge(course: &Course, grounds: &[Ground<MySql>], applied: usize) {
    for ground in grounds {
        // What one node has committed the others apply within moments.
        until("the node has caught up", async || {
            course.traces(ground).await.applied() == applied
        })
        .await;
        course.traces(ground).await.judge::<MySql>("on a cluster");
    }
}
