//! How long the tests of this binary take, and what they draw by lot.

use crate::announce::announce;

/// Set to anything but the empty text by `tests/run --long`.
const LONG: &str = "BACKSTITCH_LONG";
/// Draws the lots of an earlier run again.
const SEED: &str = "BACKSTITCH_SEED";

/// How often something is tried: `short` by default, `long` where it may take its time.
pub fn times(short: usize, long: usize) -> usize {
    if is_long() { long } else { short }
}

/// Whether it may take its time.
pub fn is_long() -> bool {
    std::env::var_os(LONG).is_some_and(|value| !value.is_empty())
}

/// Numbers drawn by lot (splitmix64). Small, and the same for the same seed everywhere.
pub struct Lot {
    state: u64,
}

impl Lot {
    /// By a seed that is told, so that it can be drawn again.
    pub fn announced(what: &str) -> Lot {
        let seed = match std::env::var(SEED) {
            Ok(seed) => seed.parse().expect("a seed is a number"),
            // A run that may take its time searches; any other one is the same each time.
            Err(_) if is_long() => std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .map_or(1, |since| since.as_nanos() as u64),
            Err(_) => 1,
        };
        announce(&format!("{what}: {SEED}={seed}"));
        Lot { state: seed }
    }

    /// From 0 to `end`, without `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }
}

#[test]
fn a_seed_gives_the_same_lots_again() {
    let draw = || {
        let mut lot = Lot { state: 7 };
        [lot.below(10), lot.below(1000), lot.below(1)]
    };
    assert_eq!(draw(), draw());
    assert_eq!(draw()[2], 0);
}
