//! Where a command writes: results to standard output, complaints about the call to standard error.

use std::io::{self, BufWriter, ErrorKind, IsTerminal, Stderr, Stdout, Write};
use std::process::ExitCode;

use backstitch_core::Diagnostic;
use backstitch_core::render::{self, Style};

use crate::caller::Caller;
use crate::exit::Exit;

/// Whether to write colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// In any case
    Always,
    /// Not at all
    Never,
}

/// The two streams of a program.
///
/// Commands just print. What could not be written is kept until [`finish`](Screen::finish), so that
/// no reader who goes away, as `head` does, changes what a command does or how it exits.
pub struct Screen {
    out: BufWriter<Stdout>,
    // Not locked: a progress bar redraws itself meanwhile.
    err: Stderr,
    style: Style,
    err_style: Style,
    width: Option<usize>,
    caller: Caller,
    failure: Option<io::Error>,
}

impl Screen {
    /// Standard output and standard error.
    pub fn new(color: Color) -> Screen {
        let (out, err) = (io::stdout(), io::stderr());
        let is_terminal = out.is_terminal();
        let size = console::Term::stdout().size_checked();
        Screen {
            width: size.filter(|_| is_terminal).map(|(_, width)| width.into()),
            style: color.style(is_terminal),
            err_style: color.style(err.is_terminal()),
            out: BufWriter::new(out),
            err,
            caller: Caller::default(),
            failure: None,
        }
    }

    /// The same, for those who call the commands in this way.
    pub(crate) fn of_caller(color: Color, caller: Caller) -> Screen {
        Screen {
            caller,
            ..Screen::new(color)
        }
    }

    /// What is typed before a command.
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// How to dress what is [`print`](Screen::print)ed.
    pub fn style(&self) -> Style {
        self.style
    }

    /// How to dress what goes to standard error.
    pub(crate) fn err_style(&self) -> Style {
        self.err_style
    }

    /// How many characters fit into a line; `None` where no terminal bounds it.
    pub(crate) fn width(&self) -> Option<usize> {
        self.width
    }

    /// Brings what was printed so far to where it belongs.
    pub(crate) fn flush(&mut self) {
        if self.failure.is_none() {
            self.failure = self.out.flush().err();
        }
    }

    /// Says something beside the result: to whoever watches, not to whoever reads it.
    pub(crate) fn say(&mut self, text: &str) {
        self.flush();
        // Where not even this can be written, nobody is there to read it.
        let _ = self.err.write_all(self.caller.tell(text).as_bytes());
    }

    /// Prints a part of the result.
    pub fn print(&mut self, text: &str) {
        if self.failure.is_none() {
            let text = self.caller.tell(text);
            self.failure = self.out.write_all(text.as_bytes()).err();
        }
    }

    /// Tells what is wrong with the call.
    pub fn complain(&mut self, diagnostics: &[Diagnostic]) {
        self.flush();
        for diagnostic in diagnostics {
            let text = self
                .caller
                .tell(&render::render(diagnostic, self.err_style));
            // Where not even this can be written, nobody is there to read it.
            let _ = self.err.write_all(text.as_bytes());
        }
    }

    /// Brings everything to where it belongs, and tells the shell how the command ended.
    pub(crate) fn end(self, exit: Exit) -> ExitCode {
        match self.finish() {
            Ok(()) => exit.into(),
            Err(error) => {
                let complaint = format!("error: the output cannot be written: {error}\n");
                // Where not even this can be written, nobody is there to read it.
                let _ = io::stderr().write_all(complaint.as_bytes());
                Exit::Failed.into()
            }
        }
    }

    /// Brings everything to where it belongs.
    ///
    /// # Errors
    /// When something could not be written. A reader who went away is none.
    pub fn finish(mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        let written = self.failure.map_or(flushed, Err);
        written.or_else(|error| match error.kind() {
            ErrorKind::BrokenPipe => Ok(()),
            _ => Err(error),
        })
    }
}

impl Color {
    fn style(self, is_terminal: bool) -> Style {
        let variable = |name| std::env::var_os(name).unwrap_or_default();
        let wants_none = !variable("NO_COLOR").is_empty() || variable("TERM") == "dumb";
        let is_colored = match self {
            Color::Auto => is_terminal && !wants_none,
            Color::Always => true,
            Color::Never => false,
        };
        match is_colored {
            true => Style::Ansi,
            false => Style::Plain,
        }
    }
}
