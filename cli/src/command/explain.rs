//! `backstitch explain`: the page of a code.

use backstitch_core::diagnostic::{Diagnostic, did_you_mean};
use clap::Args;

use crate::exit::Exit;
use crate::markdown;
use crate::page;
use crate::screen::Screen;

/// The arguments of `explain`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Explain {
    /// What stands in brackets behind `error` or `warning`; without it, all codes are listed
    code: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  backstitch explain                    all codes
  backstitch explain rollback-missing   one of them in full";

impl Explain {
    /// Prints the page, or the list of pages.
    pub fn run(&self, screen: &mut Screen) -> Exit {
        let Some(code) = &self.code else {
            screen.print(&list());
            return Exit::Done;
        };
        // People paste what they see.
        let code = code.trim_matches(['[', ']']);
        match page::find(code) {
            Some(page) => {
                screen.print(&markdown::render(page.text, screen.style()));
                Exit::Done
            }
            None => {
                screen.complain(&[unknown(code)]);
                Exit::Usage
            }
        }
    }
}

fn list() -> String {
    let pages = page::all();
    let width = pages.iter().map(|page| page.code().len()).max();
    let width = width.unwrap_or_default();
    pages
        .iter()
        .map(|page| format!("{:width$}  {}\n", page.code(), page.summary()))
        .collect()
}

fn unknown(code: &str) -> Diagnostic {
    let near = did_you_mean(code, page::all().iter().map(|page| page.code()));
    Diagnostic::error("code-unknown", format!("there is no code `{code}`")).help(match near {
        Some(near) => format!("Did you mean:\nbackstitch explain {near}"),
        None => "All codes are listed by:\nbackstitch explain".to_owned(),
    })
}
