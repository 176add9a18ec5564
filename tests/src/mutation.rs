//! Statements with one mistake: a token is dropped, written twice, or changes places with the next.
//!
//! The same seed gives the same mistakes. Whether they are mistakes only an engine can tell.

use backstitch_core::Dialect;
use backstitch_core::lex::{self, TokenKind};

/// Numbers that look random and are the same in every run (SplitMix64).
#[derive(Clone, Debug)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// The dice of a seed.
    pub fn new(seed: u64) -> Dice {
        Dice { state: seed }
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit as u64) as usize
    }
}

/// What was done to a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// A token is missing.
    Dropped,
    /// A token stands there twice.
    Doubled,
    /// Two tokens that follow one another have changed places.
    Swapped,
}

/// A statement with a mistake.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// Its text.
    pub text: String,
    /// What was done.
    pub mistake: Mistake,
    /// To which token.
    pub token: String,
}

/// Makes one mistake in `statement`; none where that leaves nothing or changes nothing.
pub fn mutate(statement: &str, dialect: Dialect, dice: &mut Dice) -> Option<Mutant> {
    let tokens = lex::lex(statement, dialect).tokens;
    let tokens: Vec<_> = tokens
        .into_iter()
        .filter(|token| !token.kind.is_trivia() && token.kind != TokenKind::Client)
        .collect();
    if tokens.len() < 2 {
        return None;
    }
    let mistake = [Mistake::Dropped, Mistake::Doubled, Mistake::Swapped][dice.below(3)];
    let last = tokens.len() - usize::from(mistake == Mistake::Swapped);
    let at = dice.below(last);
    let span = tokens[at].span;
    let token = span.of(statement);
    let (before, behind) = (
        &statement[..span.start as usize],
        &statement[span.end as usize..],
    );
    // The blanks keep tokens from becoming one.
    let text = match mistake {
        Mistake::Dropped => format!("{before} {behind}"),
        Mistake::Doubled => format!("{before}{token} {token}{behind}"),
        Mistake::Swapped => {
            let other = tokens[at + 1].span;
            let between = &statement[span.end as usize..other.start as usize];
            let behind = &statement[other.end as usize..];
            let other = other.of(statement);
            if other == token {
                return None;
            }
            format!("{before} {other} {between}{token} {behind}")
        }
    };
    Some(Mutant {
        text,
        mistake,
        token: token.to_owned(),
    })
}
