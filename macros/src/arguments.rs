//! What stands between the brackets of `migrations!`.
//!
//! Reading goes on after a mistake, so that all of them are reported at once. What the arguments
//! lead to is [`expand`](crate::expand)'s business.

use backstitch_core::diagnostic::{Diagnostic, did_you_mean};
use backstitch_core::dialect::Dialect;
use proc_macro2::{Span, TokenStream, TokenTree};
use syn::parse::Parser;
use syn::{Ident, LitStr};

/// What the service wrote.
#[derive(Default)]
pub(crate) struct Arguments {
    /// The folder of the migrations.
    pub(crate) folder: Option<LitStr>,
    /// `dialect = …`
    pub(crate) dialect: Option<Dialect>,
    /// `options = …`: the file to read in place of `backstitch.toml`.
    pub(crate) options: Option<LitStr>,
}

/// The tokens that a compile error is shown under.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// The first one.
    pub(crate) first: Span,
    /// The last one.
    pub(crate) last: Span,
}

/// Something wrong in the service's own Rust code.
pub(crate) struct Mistake {
    /// Where it stands.
    pub(crate) place: Place,
    /// What it is.
    pub(crate) diagnostic: Diagnostic,
}

/// A value or why there is none.
type Parsed<T> = Result<T, Box<Diagnostic>>;

/// The arguments that can be given by name.
const NAMES: [&str; 2] = ["dialect", "options"];

/// Reads the arguments and what is wrong with them.
pub(crate) fn parse(input: TokenStream) -> (Arguments, Vec<Mistake>) {
    let mut arguments = Arguments::default();
    let mistakes = split_at_commas(input)
        .iter()
        .filter_map(|argument| {
            let diagnostic = parse_one(&argument.tokens, &mut arguments).err()?;
            Some(Mistake {
                place: argument.place(),
                diagnostic: *diagnostic,
            })
        })
        .collect();
    (arguments, mistakes)
}

impl Place {
    /// The place of one token, or of the whole macro.
    pub(crate) fn at(span: Span) -> Place {
        Place {
            first: span,
            last: span,
        }
    }
}

/// One argument as it is written.
struct Argument {
    tokens: Vec<TokenTree>,
    /// The comma behind it, or the end.
    end: Span,
}

impl Argument {
    fn place(&self) -> Place {
        let span = |token: Option<&TokenTree>| token.map_or(self.end, TokenTree::span);
        Place {
            first: span(self.tokens.first()),
            last: span(self.tokens.last()),
        }
    }
}

/// The arguments in order; a comma at the end adds none.
fn split_at_commas(input: TokenStream) -> Vec<Argument> {
    let mut arguments = Vec::new();
    let mut tokens = Vec::new();
    for token in input {
        match &token {
            TokenTree::Punct(comma) if comma.as_char() == ',' => arguments.push(Argument {
                tokens: std::mem::take(&mut tokens),
                end: comma.span(),
            }),
            _ => tokens.push(token),
        }
    }
    if !tokens.is_empty() {
        let end = Span::call_site();
        arguments.push(Argument { tokens, end });
    }
    arguments
}

fn parse_one(argument: &[TokenTree], arguments: &mut Arguments) -> Parsed<()> {
    match argument {
        [] => Err(mistake(
            "argument-missing",
            "there is nothing before this comma",
            "Take the comma out.",
        )),
        [TokenTree::Ident(name), TokenTree::Punct(equals), value @ ..]
            if equals.as_char() == '=' =>
        {
            parse_named(name, value, arguments)
        }
        folder => set_once(&mut arguments.folder, "the folder", parse_folder(folder)),
    }
}

fn parse_named(name: &Ident, value: &[TokenTree], arguments: &mut Arguments) -> Parsed<()> {
    match name.to_string().as_str() {
        "dialect" => set_once(&mut arguments.dialect, "`dialect`", parse_dialect(value)),
        "options" => set_once(&mut arguments.options, "`options`", parse_options(value)),
        unknown => Err(unknown_argument(unknown, value)),
    }
}

fn set_once<T>(slot: &mut Option<T>, what: &str, value: Parsed<T>) -> Parsed<()> {
    if slot.replace(value?).is_some() {
        let message = format!("{what} is given twice");
        return Err(mistake(
            "argument-repeated",
            message,
            "Keep one of the two.",
        ));
    }
    Ok(())
}

fn parse_folder(argument: &[TokenTree]) -> Parsed<LitStr> {
    if let Some(folder) = parse_string(argument) {
        return Ok(folder);
    }
    if let [TokenTree::Ident(word)] = argument
        && Dialect::from_name(&word.to_string()).is_some()
    {
        let help = format!("Write the name too:\ndialect = {word}");
        return Err(invalid("the dialect is given without its name", help));
    }
    if let [folder, rest @ ..] = argument
        && parse_string(std::slice::from_ref(folder)).is_some()
    {
        let help = format!("Write:\n{folder}, {}", text_of(rest));
        return Err(invalid("a comma is missing after the folder", help));
    }
    let help = "Write the folder as it is seen from Cargo.toml:\nmigrations!(\"migrations\")";
    Err(not_a_literal("the folder", help))
}

fn parse_dialect(value: &[TokenTree]) -> Parsed<Dialect> {
    let written = text_of(value);
    let bare = parse_string(value).map_or_else(|| written.clone(), |string| string.value());
    if let Some(dialect) = Dialect::from_name(&bare) {
        if bare == written {
            return Ok(dialect);
        }
        let help = format!("Write it without quotes:\ndialect = {bare}");
        return Err(invalid("the dialect is written as a string", help));
    }
    let names = Dialect::ALL.map(Dialect::name);
    let help = match did_you_mean(&bare, names) {
        Some(name) => format!("Did you mean `{name}`?\ndialect = {name}"),
        None => format!("Write one of {}:\ndialect = {}", listed(&names), names[0]),
    };
    Err(match bare.as_str() {
        "" => invalid("`dialect` has no value", help),
        _ => invalid(format!("there is no dialect `{bare}`"), help),
    })
}

fn parse_options(value: &[TokenTree]) -> Parsed<LitStr> {
    let help = "Write the file as it is seen from Cargo.toml:\noptions = \"backstitch.toml\"";
    parse_string(value).ok_or_else(|| not_a_literal("the options file", help))
}

fn unknown_argument(name: &str, value: &[TokenTree]) -> Box<Diagnostic> {
    let value = text_of(value);
    // What the options file calls the same thing is a likely slip.
    let near = did_you_mean(name, NAMES.into_iter().chain(["engine", "dir"]));
    let help = match near {
        Some("dir") => format!("Give the folder without a name:\nmigrations!({value})"),
        Some("engine") => format!("Did you mean `dialect`?\ndialect = {value}"),
        Some(meant) => format!("Did you mean `{meant}`?\n{meant} = {value}"),
        None => format!(
            "Besides the folder there are {}; everything else is set in backstitch.toml.",
            listed(&NAMES)
        ),
    };
    mistake(
        "argument-unknown",
        format!("there is no argument `{name}`"),
        help,
    )
}

fn not_a_literal(what: &str, help: &str) -> Box<Diagnostic> {
    let why = "It is read before constants and other macros have a value.";
    let message = format!("{what} is not a string literal");
    Box::new(
        Diagnostic::error("argument-invalid", message)
            .why(why)
            .help(help),
    )
}

fn invalid(message: impl Into<String>, help: impl Into<String>) -> Box<Diagnostic> {
    mistake("argument-invalid", message, help)
}

fn mistake(
    code: &'static str,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Box<Diagnostic> {
    Box::new(Diagnostic::error(code, message).help(help))
}

/// The value of a string literal that is all of `tokens`.
fn parse_string(tokens: &[TokenTree]) -> Option<LitStr> {
    let parser = |input: syn::parse::ParseStream<'_>| input.parse::<LitStr>();
    parser.parse2(tokens.iter().cloned().collect()).ok()
}

fn text_of(tokens: &[TokenTree]) -> String {
    tokens.iter().cloned().collect::<TokenStream>().to_string()
}

/// `a`, `b` and `c`
fn listed(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `input` says, and the code and message of each mistake.
    fn check(input: &str, expected: &str, mistakes: &[&str]) {
        let (arguments, found) = parse(input.parse().expect("tokens"));
        let string = |literal: &Option<LitStr>| literal.as_ref().map(LitStr::value);
        let said = [
            string(&arguments.folder),
            arguments.dialect.map(|dialect| dialect.name().to_owned()),
            string(&arguments.options),
        ];
        let said = said
            .map(|value| value.unwrap_or_else(|| "-".to_owned()))
            .join(" ");
        assert_eq!(said, expected, "of `{input}`");
        let found: Vec<_> = found
            .into_iter()
            .map(|mistake| mistake.diagnostic.message)
            .collect();
        assert_eq!(found, mistakes, "of `{input}`");
    }

    #[test]
    fn every_form_is_read() {
        check("", "- - -", &[]);
        check(r#""migrations""#, "migrations - -", &[]);
        check(r##"r#"migrations"#,"##, "migrations - -", &[]);
        check(r#""db/pg", dialect = postgres"#, "db/pg postgres -", &[]);
        check("dialect = mariadb", "- mariadb -", &[]);
        check(
            r#""a", options = "b.toml", dialect = sqlite,"#,
            "a sqlite b.toml",
            &[],
        );
    }

    #[test]
    fn a_folder_that_comes_out_of_another_macro_is_read() {
        let literal: TokenStream = r#""migrations""#.parse().expect("tokens");
        let group = proc_macro2::Group::new(proc_macro2::Delimiter::None, literal);
        let (arguments, mistakes) = parse(TokenTree::Group(group).into());
        assert_eq!(arguments.folder.expect("a folder").value(), "migrations");
        assert!(mistakes.is_empty());
    }

    #[test]
    fn each_mistake_is_told() {
        check("42", "- - -", &["the folder is not a string literal"]);
        check(
            "concat!()",
            "- - -",
            &["the folder is not a string literal"],
        );
        check(
            "postgres",
            "- - -",
            &["the dialect is given without its name"],
        );
        check(
            r#""a" "b""#,
            "- - -",
            &["a comma is missing after the folder"],
        );
        check(r#""a", "b""#, "b - -", &["the folder is given twice"]);
        check(
            r#""a", mysql"#,
            "a - -",
            &["the dialect is given without its name"],
        );
        check(
            r#""a",, dialect = mysql"#,
            "a mysql -",
            &["there is nothing before this comma"],
        );
        check(
            "dialect = oracle",
            "- - -",
            &["there is no dialect `oracle`"],
        );
        check("dialect =", "- - -", &["`dialect` has no value"]);
        check(
            r#"dialect = "mysql""#,
            "- - -",
            &["the dialect is written as a string"],
        );
        check(
            "dialect = mysql, dialect = mysql",
            "- mysql -",
            &["`dialect` is given twice"],
        );
        check(
            "options = 1",
            "- - -",
            &["the options file is not a string literal"],
        );
        check(
            "engine = sqlite",
            "- - -",
            &["there is no argument `engine`"],
        );
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let mistakes = [
            "there is no argument `engin`",
            "there is no dialect `postgress`",
        ];
        check(r#""a", engin = x, dialect = postgress"#, "a - -", &mistakes);
    }

    #[test]
    fn help_ends_in_what_to_write() {
        let help = |input: &str| {
            let (_, mistakes) = parse(input.parse().expect("tokens"));
            mistakes[0].diagnostic.help.clone()
        };
        assert_eq!(
            help("dialekt = mysql"),
            "Did you mean `dialect`?\ndialect = mysql"
        );
        assert_eq!(
            help("engine = sqlite"),
            "Did you mean `dialect`?\ndialect = sqlite"
        );
        assert_eq!(
            help("dialect = postgress"),
            "Did you mean `postgres`?\ndialect = postgres"
        );
        assert_eq!(
            help(r#"dialect = "mysql""#),
            "Write it without quotes:\ndialect = mysql"
        );
        assert_eq!(
            help(r#"dir = "x""#),
            "Give the folder without a name:\nmigrations!(\"x\")"
        );
    }
}
