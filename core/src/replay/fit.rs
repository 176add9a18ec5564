//! Whether what a statement makes fits what is there: foreign keys the keys that they refer to,
//! functions those that they replace. Only where the engine leaves no doubt.

use super::{Done, Finding, Replay};
use crate::change::{CreateRoutine, ForeignKey, Fragment, Name, type_text};
use crate::dialect::Family;
use crate::lex::{self, Lexeme, TokenKind};
use crate::schema::{Body, Index, Key, PartOf, Routine, Rule, Table};

impl Replay<'_> {
    /// Refuses a foreign key to columns that are no key, are more or fewer, or of another kind.
    pub(super) fn refers_to_key(
        &mut self,
        key: &Key,
        foreign: &ForeignKey,
        target: &Key,
        referenced: &[Name],
    ) -> Done {
        if self.modelling.family == Family::MySql {
            return self.refers_to_index(key, foreign, target, referenced);
        }
        // A table that is being made has keys that are still to come.
        if self.modelling.family != Family::Postgres || key == target || referenced.is_empty() {
            return Some(());
        }
        let is_unclear = self.may_have_more(target) || self.doubted_name(&target.name);
        let known = self
            .table(target)
            .filter(|table| !table.open && !is_unclear);
        let Some(table) = known else {
            return Some(());
        };
        let columns = &foreign.columns;
        if !columns.is_empty() && columns.len() != referenced.len() {
            let message = format!(
                "{} column(s) refer to {} of `{}`",
                columns.len(),
                referenced.len(),
                target.name
            );
            return self.misfit(
                foreign,
                message,
                "Name as many columns on both sides.".to_owned(),
            );
        }
        if !self.is_key(target, table, referenced) {
            let names: Vec<&str> = referenced.iter().map(Name::as_str).collect();
            let names = names.join(", ");
            let message = format!("`{}` has no key of ({names})", target.name);
            let help = format!(
                "Refer to columns that are unique, or make them so first:\n\
                 ALTER TABLE {} ADD UNIQUE ({names});",
                target.name
            );
            return self.misfit(foreign, message, help);
        }
        let child = self.table(key);
        let pair = columns.iter().zip(referenced).find_map(|(column, name)| {
            let (ours, theirs) = (child?.column(&column.name)?, table.column(name)?);
            let is_own = ours.user_type.is_none() && theirs.user_type.is_none();
            let apart = kind(&ours.data_type)? != kind(&theirs.data_type)?;
            (is_own && apart).then(|| {
                format!(
                    "`{}` is {} and `{name}` of `{}` is {}",
                    column.name, ours.data_type, target.name, theirs.data_type
                )
            })
        });
        match pair {
            Some(message) => self.misfit(foreign, message, "Give both the same type.".to_owned()),
            None => Some(()),
        }
    }

    /// Refuses a foreign key that InnoDB calls incorrectly formed (errno 150).
    fn refers_to_index(
        &mut self,
        key: &Key,
        foreign: &ForeignKey,
        target: &Key,
        referenced: &[Name],
    ) -> Done {
        // MySQL before version 9 forgets what stands on a column.
        let is_forgotten = foreign.on_column && !self.schema.dialect().guards_parts_of_tables();
        if is_forgotten || self.session.unchecked || key == target || referenced.is_empty() {
            return Some(());
        }
        let known = |replay: &Self, key: &Key| {
            let is_unclear = replay.may_have_more(key) || replay.doubted_name(&key.name);
            let table = replay.table(key).filter(|table| !table.open && !is_unclear);
            table.filter(|table| has_foreign_keys(table)).cloned()
        };
        let (Some(ours), Some(theirs)) = (known(self, key), known(self, target)) else {
            return Some(());
        };
        let pairs = foreign
            .columns
            .iter()
            .zip(referenced)
            .filter_map(|(column, name)| Some((ours.column(&column.name)?, theirs.column(name)?)));
        for (own, other) in pairs {
            let kinds = (innodb_kind(&own.data_type), innodb_kind(&other.data_type));
            if let (Some(kind), Some(wanted)) = kinds
                && kind != wanted
            {
                let message = format!(
                    "`{}` is {} and `{}` of `{}` is {}",
                    own.name, own.data_type, other.name, target.name, other.data_type
                );
                return self.ill_formed(foreign, message, "Give both the same type.".to_owned());
            }
            if own.not_null && &*foreign.on_delete == "set null" {
                let message = format!("`{}` is NOT NULL and cannot be set to NULL", own.name);
                let help = "Leave NOT NULL out, or choose another ON DELETE.".to_owned();
                return self.ill_formed(foreign, message, help);
            }
        }
        let is_known = referenced.iter().all(|name| theirs.column(name).is_some());
        if is_known && !self.begins_index(target, &theirs, referenced) {
            let names: Vec<&str> = referenced.iter().map(Name::as_str).collect();
            let names = names.join(", ");
            let message = format!("no index of `{}` begins with ({names})", target.name);
            let help = format!(
                "Refer to columns that are unique, or make them so first:\n\
                 ALTER TABLE {} ADD UNIQUE ({names});",
                target.name
            );
            return self.ill_formed(foreign, message, help);
        }
        Some(())
    }

    /// Whether a key or an index begins with these columns, in whatever order.
    fn begins_index(&self, key: &Key, table: &Table, columns: &[Name]) -> bool {
        let begins = |names: &[Name]| {
            let first = names.get(..columns.len());
            first.is_some_and(|first| columns.iter().all(|column| first.contains(column)))
        };
        let by_constraint = table.constraints.values().any(|constraint| {
            !matches!(constraint.rule, Rule::Check(_) | Rule::NotNull(_))
                && begins(&constraint.rule.columns())
        });
        by_constraint
            || self.indexes_of(key).iter().any(|index| {
                let object = self.schema.get(index);
                object.is_none_or(|object| match &object.body {
                    Body::Index(index) => {
                        let columns = index.parts.iter().map_while(|part| match &part.what {
                            PartOf::Column(column) => Some(column.clone()),
                            PartOf::Expression(_) => None,
                        });
                        index.open || begins(&columns.collect::<Vec<Name>>())
                    }
                    _ => true,
                })
            })
    }

    fn ill_formed(&mut self, foreign: &ForeignKey, message: String, help: String) -> Done {
        self.refuse(Finding {
            code: "fk-target-mismatch",
            span: foreign.table.span,
            message,
            why: "InnoDB compares the columns of both sides as they are stored, and looks them up in \
                  an index that begins with them; otherwise it calls the foreign key incorrectly \
                  formed (errno 150)."
                .to_owned(),
            help,
            missing: None,
        })
    }

    fn misfit(&mut self, foreign: &ForeignKey, message: String, help: String) -> Done {
        self.refuse(Finding {
            code: "fk-target-mismatch",
            span: foreign.table.span,
            message,
            why: "A foreign key leads to one row at most: it compares its columns with those of a \
                  primary key or of something unique."
                .to_owned(),
            help,
            missing: None,
        })
    }

    /// Whether a key or a unique index is of exactly these columns.
    fn is_key(&self, key: &Key, table: &Table, columns: &[Name]) -> bool {
        let mut wanted: Vec<&Name> = columns.iter().collect();
        wanted.sort();
        let is_it = |names: &[Name]| {
            let mut names: Vec<&Name> = names.iter().collect();
            names.sort();
            names == wanted
        };
        let by_constraint = table.constraints.values().any(|constraint| {
            let is_unique = matches!(constraint.rule, Rule::PrimaryKey(..) | Rule::Unique(..));
            is_unique && is_it(&constraint.rule.columns())
        });
        let by_index = |index: &Index| {
            let columns = index.parts.iter().map(|part| match &part.what {
                PartOf::Column(column) => Some(column.clone()),
                PartOf::Expression(_) => None,
            });
            let columns: Option<Vec<Name>> = columns.collect();
            let is_whole = index.unique && index.condition.is_none();
            index.open || is_whole && columns.is_some_and(|columns| is_it(&columns))
        };
        by_constraint
            || self.indexes_of(key).iter().any(|index| {
                let object = self.schema.get(index);
                object.is_some_and(
                    |object| matches!(&object.body, Body::Index(index) if by_index(index)),
                )
            })
    }

    /// Refuses a function that gives back another type than the one it replaces, or whose arguments
    /// have other names or fewer defaults.
    pub(super) fn replaces_function(&mut self, create: &CreateRoutine, old: &Routine) -> Done {
        if self.modelling.family != Family::Postgres || old.open {
            return Some(());
        }
        let dialect = self.schema.dialect();
        let result = |returns: &Option<Fragment>| returns.as_ref().and_then(|one| plain(&one.text));
        let message = match (result(&old.returns), result(&create.returns)) {
            _ if old.kind != create.kind => {
                Some(format!("`{}` is something else so far", create.name))
            }
            (Some(before), Some(after)) if before != after => Some(format!(
                "`{}` gives back {before} so far, and would give back {after}",
                create.name
            )),
            _ => {
                let before = arguments(&old.signature.text, dialect);
                let after = arguments(&create.signature.text, dialect);
                let mut pairs = before.iter().zip(&after);
                pairs.find_map(|(before, after)| unlike(before, after))
            }
        };
        let Some(message) = message else {
            return Some(());
        };
        self.refuse(Finding {
            code: "replace-incompatible",
            span: create.name.span,
            message,
            why: "OR REPLACE keeps what callers may rely on: the type of the result, the names of \
                  arguments and their defaults."
                .to_owned(),
            help: format!(
                "Drop it first, and grant again what was granted:\nDROP FUNCTION {};",
                create.name
            ),
            missing: None,
        })
    }
}

/// Kinds of types of which none is compared with another.
/// Whether a table is kept where foreign keys are looked at: nobody has said otherwise.
fn has_foreign_keys(table: &Table) -> bool {
    let engine = table.options.get("engine");
    let is_own =
        engine.is_none_or(|engine| engine.trim_matches('\'').eq_ignore_ascii_case("innodb"));
    is_own && table.partition_by.is_none() && !table.temporary
}

/// What columns on both sides of a foreign key must share, where that is told by the type alone.
fn innodb_kind(data_type: &str) -> Option<String> {
    let mut words = data_type.split([' ', '(']);
    let base = words.next()?;
    let unsigned = data_type.contains("unsigned") || data_type.contains("zerofill");
    match base {
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" => {
            Some(format!("{base} {unsigned}"))
        }
        "char" | "varchar" => Some("text".to_owned()),
        "date" | "datetime" | "timestamp" => Some("time".to_owned()),
        _ => None,
    }
}

fn kind(data_type: &str) -> Option<&'static str> {
    match data_type {
        "smallint" | "integer" | "bigint" => Some("number"),
        "text" | "character varying" => Some("text"),
        "uuid" => Some("uuid"),
        "boolean" => Some("boolean"),
        _ if data_type.starts_with("character varying(") => Some("text"),
        _ => None,
    }
}

/// The type that a function gives back, where it is one of those that have one spelling.
fn plain(returns: &str) -> Option<String> {
    const TYPES: [&str; 14] = [
        "bigint",
        "boolean",
        "bytea",
        "date",
        "integer",
        "json",
        "jsonb",
        "numeric",
        "smallint",
        "text",
        "trigger",
        "uuid",
        "void",
        "timestamp with time zone",
    ];
    let (set, single) = match returns.strip_prefix("setof ") {
        Some(single) => ("setof ", single),
        None => ("", returns),
    };
    let normal = type_text(single);
    let normal: &str = &normal;
    TYPES.contains(&normal).then(|| format!("{set}{normal}"))
}

/// An argument: its words, and whether it has a default.
struct Argument {
    words: Vec<String>,
    has_default: bool,
}

fn arguments(signature: &str, dialect: crate::dialect::Dialect) -> Vec<Argument> {
    let tokens = lex::lex(signature, dialect).tokens;
    let lexemes = lex::lexemes(signature, &tokens);
    let mut depth = 0_usize;
    let parts = lexemes.split(|lexeme| {
        match lexeme.kind {
            TokenKind::Open => depth += 1,
            TokenKind::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && lexeme.text == ","
    });
    let begins_default = |one: &Lexeme<'_>| one.is("DEFAULT") || matches!(one.text, "=" | ":=");
    let parts = parts.filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let end = part.iter().position(begins_default).unwrap_or(part.len());
            let is_mode = |one: &Lexeme<'_>| one.is("IN");
            let words = part[..end].iter().filter(|one| !is_mode(one));
            Argument {
                words: words.map(|one| one.text.to_lowercase()).collect(),
                has_default: end < part.len(),
            }
        })
        .collect()
}

/// Why an argument cannot take the place of another. Words are compared only where both are a name
/// and the same type.
fn unlike(before: &Argument, after: &Argument) -> Option<String> {
    let modes = ["out", "inout", "variadic"];
    let is_moded = |one: &Argument| {
        one.words
            .first()
            .is_some_and(|word| modes.contains(&&**word))
    };
    if is_moded(before) || is_moded(after) {
        return None;
    }
    let (old, old_type) = before.words.split_first()?;
    let (new, new_type) = after.words.split_first()?;
    let is_named = !old_type.is_empty() && old_type == new_type;
    if is_named && old != new {
        return Some(format!("the argument `{old}` would become `{new}`"));
    }
    let is_same = is_named && old == new;
    (is_same && before.has_default && !after.has_default)
        .then(|| format!("the argument `{old}` would lose its default"))
}

#[cfg(test)]
mod tests {
    use crate::change::{self, Change};
    use crate::dialect::Dialect;
    use crate::replay::{self, Session};
    use crate::schema::Schema;
    use crate::source::Span;
    use crate::split;

    /// The code of what the last of these statements is refused for.
    fn refused(sql: &str) -> Option<&'static str> {
        refused_by(sql, Dialect::Postgres)
    }

    fn refused_by(sql: &str, dialect: Dialect) -> Option<&'static str> {
        let tokens = crate::lex::lex(sql, dialect).tokens;
        let mut schema = Schema::new(dialect);
        let mut session = Session::default();
        let mut code = None;
        for piece in split::split(sql, &tokens, 0..tokens.len(), dialect).pieces {
            assert_eq!(code, None, "{sql}");
            let span: Span = piece.span;
            let change: Change = change::read(sql, span, dialect).expect("SQL");
            let outcome = replay::apply(&mut schema, &mut session, &change, span);
            code = outcome.findings.first().map(|finding| finding.code);
        }
        code
    }

    #[test]
    fn foreign_keys_need_a_key() {
        for (table, foreign, is_refused) in [
            ("x int, y int", "x int REFERENCES a (x)", true),
            ("x int UNIQUE, y int", "x int REFERENCES a (x)", false),
            (
                "x int, y int, UNIQUE (x, y)",
                "x int REFERENCES a (x)",
                true,
            ),
            (
                "x int, y int, UNIQUE (x, y)",
                "x int, y int, FOREIGN KEY (x, y) REFERENCES a (y, x)",
                false,
            ),
            (
                "x int, y int, PRIMARY KEY (x, y)",
                "x int REFERENCES a",
                true,
            ),
            ("x bigint PRIMARY KEY", "x int REFERENCES a", false),
            (
                "x bigint PRIMARY KEY",
                "y int, x text, FOREIGN KEY (x) REFERENCES a",
                true,
            ),
            (
                "x uuid PRIMARY KEY",
                "y int, x text, FOREIGN KEY (x) REFERENCES a",
                true,
            ),
            (
                "x varchar(20) PRIMARY KEY",
                "y int, x text, FOREIGN KEY (x) REFERENCES a",
                false,
            ),
        ] {
            let sql = format!("CREATE TABLE a ({table}); CREATE TABLE b ({foreign});");
            let expected = is_refused.then_some("fk-target-mismatch");
            assert_eq!(refused(&sql), expected, "{sql}");
        }
        for (index, is_refused) in [
            ("UNIQUE INDEX i ON a (x)", false),
            ("UNIQUE INDEX i ON a (x DESC) INCLUDE (y)", false),
            ("UNIQUE INDEX i ON a (x) WHERE y > 1", true),
            ("UNIQUE INDEX i ON a (abs(x))", true),
            ("INDEX i ON a (x)", true),
        ] {
            let sql = format!(
                "CREATE TABLE a (x int, y int); CREATE {index}; \
                 CREATE TABLE b (x int REFERENCES a (x));"
            );
            let expected = is_refused.then_some("fk-target-mismatch");
            assert_eq!(refused(&sql), expected, "{sql}");
        }
    }

    /// Each seen on MariaDB 10.11.
    #[test]
    fn foreign_keys_of_innodb_need_the_same_type_and_an_index() {
        let parent = "CREATE TABLE p (id int PRIMARY KEY, u int unsigned UNIQUE, c varchar(10), \
                      n int, KEY k (n, c))";
        for (child, is_refused) in [
            ("x bigint, FOREIGN KEY (x) REFERENCES p (id)", true),
            ("x int unsigned, FOREIGN KEY (x) REFERENCES p (id)", true),
            ("x varchar(10), FOREIGN KEY (x) REFERENCES p (id)", true),
            ("x date, FOREIGN KEY (x) REFERENCES p (id)", true),
            ("x int, FOREIGN KEY (x) REFERENCES p (id)", false),
            ("x int(5), FOREIGN KEY (x) REFERENCES p (id)", false),
            (
                "x int unsigned zerofill, FOREIGN KEY (x) REFERENCES p (u)",
                false,
            ),
            ("x varchar(20), FOREIGN KEY (x) REFERENCES p (c)", true),
            ("x int, FOREIGN KEY (x) REFERENCES p (n)", false),
            (
                "x int, y varchar(20), FOREIGN KEY (x, y) REFERENCES p (n, c)",
                false,
            ),
            (
                "x int NOT NULL, FOREIGN KEY (x) REFERENCES p (id) ON DELETE SET NULL",
                true,
            ),
            (
                "x int PRIMARY KEY, FOREIGN KEY (x) REFERENCES p (id) ON DELETE SET NULL",
                true,
            ),
            ("x int REFERENCES p (c)", true),
        ] {
            let expected = is_refused.then_some("fk-target-mismatch");
            let sql = format!("{parent}; CREATE TABLE c ({child});");
            assert_eq!(refused_by(&sql, Dialect::MariaDb), expected, "{sql}");
            let other = format!("{parent}; CREATE TABLE c ({child}) ENGINE=MyISAM;");
            assert_eq!(refused_by(&other, Dialect::MariaDb), None, "{other}");
            let later = format!("{parent}; CREATE TABLE c (z int); ALTER TABLE c ADD {child};");
            let later = later
                .replace(", FOREIGN", ", ADD FOREIGN")
                .replace(", y", ", ADD y");
            assert_eq!(refused_by(&later, Dialect::MariaDb), expected, "{later}");
        }
        let sql = "CREATE TABLE p (id int); CREATE TABLE c (x int REFERENCES p (id));";
        assert_eq!(refused_by(sql, Dialect::MySql), None);
    }

    #[test]
    fn functions_keep_what_callers_rely_on() {
        for (before, after, is_refused) in [
            ("(a int) RETURNS int", "(a int) RETURNS text", true),
            ("(a int) RETURNS int", "(a int) RETURNS integer", false),
            ("(a int) RETURNS int", "(a int) RETURNS SETOF int", true),
            ("(a int) RETURNS int", "(b int) RETURNS int", true),
            ("(int) RETURNS int", "(b int) RETURNS int", false),
            ("(a int DEFAULT 1) RETURNS int", "(a int) RETURNS int", true),
            ("(a int) RETURNS int", "(a int = 1) RETURNS int", false),
            ("(a int) RETURNS int", "(a bigint) RETURNS text", false),
            (
                "(a double precision) RETURNS int",
                "(a double precision) RETURNS int",
                false,
            ),
        ] {
            let sql = format!(
                "CREATE FUNCTION f{before} LANGUAGE sql AS 'SELECT 1'; \
                 CREATE OR REPLACE FUNCTION f{after} LANGUAGE sql AS 'SELECT 1';"
            );
            let expected = is_refused.then_some("replace-incompatible");
            assert_eq!(refused(&sql), expected, "{sql}");
        }
    }
}
