//! Which defaults have another value for every row, so that Postgres must write each.

use super::moment::Moment;
use crate::change::{Fragment, Name, ObjectName};
use crate::dialect::Dialect;
use crate::lex::{self, TokenKind};
use crate::schema::{Body, Class};

/// Functions of Postgres, and of extensions that are often used in defaults, that are volatile.
const VOLATILE: &[&str] = &[
    "clock_timestamp",
    "currval",
    "current_query",
    "gen_random_bytes",
    "gen_random_uuid",
    "gen_salt",
    "gen_ulid",
    "lastval",
    "nanoid",
    "nextval",
    "pg_sleep",
    "random",
    "random_normal",
    "setseed",
    "setval",
    "timeofday",
    "uuid_generate_v1",
    "uuid_generate_v1mc",
    "uuid_generate_v4",
    "uuidv4",
    "uuidv7",
];

/// The function in `expression` whose value differs from row to row, as far as it can be told: the
/// engine's own by their names, those of the migrations by what they are declared.
pub(crate) fn volatile_call(expression: &Fragment, moment: Moment<'_>) -> Option<Name> {
    calls(expression, moment.situation.dialect())
        .into_iter()
        .find(|name| VOLATILE.contains(&name.as_str()) || is_declared_volatile(name, moment))
}

fn is_declared_volatile(name: &Name, moment: Moment<'_>) -> bool {
    let routines = moment.situation.schema.objects();
    let mut routines = routines.filter_map(|(key, object)| match &object.body {
        Body::Routine(routine) if key.class == Class::Routine && key.name == *name => Some(routine),
        _ => None,
    });
    // What is declared more than once may be either.
    let first = routines.next();
    let is_only = routines.next().is_none();
    first.is_some_and(|routine| {
        let volatility = routine.options.get("volatility").map(|value| &**value);
        is_only && matches!(volatility, None | Some("volatile"))
    })
}

/// The names in `expression` that are called as functions.
pub(crate) fn calls(expression: &Fragment, dialect: Dialect) -> Vec<Name> {
    let tokens = lex::lex(&expression.text, dialect).tokens;
    let lexemes = lex::lexemes(&expression.text, &tokens);
    let pairs = lexemes.windows(2);
    pairs
        .filter(|pair| pair[0].kind == TokenKind::Word && pair[1].text == "(")
        .map(|pair| Name::unquoted(pair[0].text, dialect))
        .collect()
}

/// The name of a type as the name of an object: for domains and enums.
pub(crate) fn type_name(text: &str, dialect: Dialect) -> ObjectName {
    let (schema, name) = match text.split_once('.') {
        Some((schema, name)) => (Some(schema), name),
        None => (None, text),
    };
    let bare = |word: &str| Name::new(word.trim_matches('"'), dialect);
    ObjectName {
        schema: schema.map(bare),
        name: bare(name),
        span: crate::source::Span::default(),
    }
}
