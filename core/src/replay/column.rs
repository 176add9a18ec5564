//! Columns: how a definition becomes one, and how its parts change.

use super::{Done, Replay};
use crate::change::{
    ColumnDef, ColumnOption, Constraint, ConstraintRule, Fragment, Identity, Key as ChangeKey,
    KeyExpr, KeyPart, Likeness, Name, Position, SequenceOption,
};
use crate::dialect::Family;
use crate::schema::{Body, Class, Column, Key, Object, Sequence};

impl Replay<'_> {
    /// Puts a column into its table, and gives the constraints that its definition holds.
    pub(super) fn define_column(
        &mut self,
        key: &Key,
        definition: &ColumnDef,
        position: Option<&Position>,
    ) -> Option<Vec<Constraint>> {
        let (column, constraints, sequence) = self.column_of(key, definition);
        let name = column.name.clone();
        self.update_table(key, |table| {
            // A partition or a child names columns that it has from its parent.
            if let Some(place) = table.columns.iter().position(|old| old.name == name) {
                let inherited = &table.columns[place];
                let mut merged = column;
                if merged.data_type.is_empty() {
                    merged.data_type = inherited.data_type.clone();
                }
                table.columns[place] = merged;
                return;
            }
            let at = match position {
                None => table.columns.len(),
                Some(Position::First) => 0,
                Some(Position::After(other)) => table
                    .columns
                    .iter()
                    .position(|old| old.name == other.name)
                    .map_or(table.columns.len(), |at| at + 1),
            };
            table.columns.insert(at, column);
        });
        if let Some(sequence) = sequence {
            self.own_sequence(key, &name, sequence);
        }
        Some(constraints)
    }

    /// The column of a definition, the constraints in it, and the sequence that comes with it.
    pub(super) fn column_of(
        &self,
        key: &Key,
        definition: &ColumnDef,
    ) -> (Column, Vec<Constraint>, Option<Sequence>) {
        let data_type = match &definition.data_type {
            Some(data_type) => data_type.text.clone(),
            None => "".into(),
        };
        let mut column = Column::new(definition.name.name.clone(), data_type);
        let mut constraints = Vec::new();
        let mut sequence = None;
        if self.modelling.family == Family::Postgres
            && let Some(base) = serial(&column.data_type)
        {
            column.data_type = base.into();
            column.not_null = true;
            let name = self.sequence_name(key, &column.name);
            column.default = Some(nextval(&name, self.schema.dialect()));
            sequence = Some(sequence_of(base));
        }
        if self.modelling.family == Family::MySql && &*column.data_type == "serial" {
            column.data_type = "bigint unsigned".into();
            column.not_null = true;
            column.auto_increment = true;
            constraints.push(own_key(definition, false));
        }
        for option in &definition.options {
            match option {
                ColumnOption::NotNull => column.not_null = true,
                ColumnOption::Null => {
                    if sequence.is_none() {
                        column.not_null = false;
                    }
                }
                ColumnOption::Default(value) => {
                    column.default = self.default_of(value, &column.data_type);
                }
                ColumnOption::Constraint(constraint) => {
                    constraints.push(on_column(constraint, definition));
                }
                ColumnOption::Generated(generated) => {
                    column.generated = Some((generated.expression.clone(), generated.stored));
                }
                ColumnOption::Identity(identity) => {
                    column.identity = Some(identity.always);
                    column.not_null = true;
                    sequence = Some(self.identity_sequence(identity, &column.data_type));
                }
                ColumnOption::Collate(collation) => {
                    column.collation = self.own_collation(key, collation);
                }
                ColumnOption::AutoIncrement => {
                    column.auto_increment = true;
                    column.not_null |= self.modelling.family == Family::MySql;
                }
                ColumnOption::OnUpdate(value) => column.on_update = Some(value.clone()),
                ColumnOption::Comment(text) => {
                    column.comment = (!matches!(&**text, "''" | "\"\"")).then(|| text.clone());
                }
                ColumnOption::Other(option) => {
                    column
                        .options
                        .insert(option.name.clone(), option.value.clone());
                }
            }
        }
        column.user_type = self.user_type(&column.data_type);
        column.draws_from = self.sequence_in(column.default.as_ref());
        (column, constraints, sequence)
    }

    /// The collation of a column, where it is not that of its table.
    fn own_collation(&self, key: &Key, collation: &Fragment) -> Option<Fragment> {
        let of_table = self
            .table(key)
            .and_then(|table| table.options.get("collate"));
        let dialect = self.schema.dialect();
        let is_own = of_table.is_none_or(|of_table| {
            Fragment::parse(of_table, dialect).likeness(collation, dialect) != Likeness::Same
        });
        is_own.then(|| collation.clone())
    }

    /// The sequence that a default draws from.
    pub(super) fn sequence_in(&self, default: Option<&Fragment>) -> Option<Key> {
        let text = default?
            .text
            .strip_prefix("nextval('")?
            .strip_suffix("')")?;
        let parts = Fragment::parse(text, self.schema.dialect()).names(self.schema.dialect());
        let name = parts.last()?.clone();
        let schema = match parts.len() {
            1 => None,
            _ => parts.get(parts.len() - 2).cloned(),
        };
        let name = crate::change::ObjectName {
            schema,
            name,
            span: Default::default(),
        };
        self.find(Class::Relation, &name)
    }

    /// The type of that name, where the migrations made it.
    pub(super) fn user_type(&self, data_type: &str) -> Option<Key> {
        if self.modelling.family != Family::Postgres {
            return None;
        }
        let base = data_type.split(['[', '(']).next().unwrap_or(data_type);
        let parts: Vec<Name> =
            Fragment::parse(base, self.schema.dialect()).names(self.schema.dialect());
        let (schema, name) = match parts.as_slice() {
            [name] => (None, name.clone()),
            [schema, name] => (Some(schema.clone()), name.clone()),
            _ => return None,
        };
        let name = crate::change::ObjectName {
            schema,
            name,
            span: Default::default(),
        };
        self.find(Class::Type, &name)
    }

    /// A default in the spelling of the engine; a plain NULL is none.
    pub(super) fn default_of(&self, value: &Fragment, data_type: &str) -> Option<Fragment> {
        let mut text = value.text.to_string();
        if text == "null" {
            return match self.modelling.family {
                Family::Sqlite => Some(value.clone()),
                Family::Postgres | Family::MySql => None,
            };
        }
        match self.modelling.family {
            Family::Postgres => text = postgres_default(&text, data_type),
            Family::MySql => text = mysql_default(text, data_type),
            Family::Sqlite => {}
        }
        Some(Fragment {
            text: text.into(),
            span: value.span,
        })
    }

    fn identity_sequence(&self, identity: &Identity, data_type: &str) -> Sequence {
        let mut sequence = sequence_of(data_type);
        sequence.identity = true;
        for option in &identity.options {
            self.set_sequence_option(&mut sequence, option);
        }
        sequence
    }

    pub(super) fn set_sequence_option(&self, sequence: &mut Sequence, option: &SequenceOption) {
        match option {
            SequenceOption::As(data_type) => set_type(sequence, &data_type.text),
            SequenceOption::Set(option) if option.value.is_empty() => {
                sequence.options.remove(&option.name);
            }
            SequenceOption::Set(option) => {
                sequence
                    .options
                    .insert(option.name.clone(), option.value.clone());
            }
            // Who owns it is for those to say who know the table.
            SequenceOption::OwnedBy(_) | SequenceOption::Restart => {}
        }
    }

    fn sequence_name(&self, key: &Key, column: &Name) -> Name {
        match self.table(key) {
            Some(table) => self.free_name(key, table, column.as_str(), "seq"),
            None => self.name(&format!("{}_{column}_seq", key.name)),
        }
    }

    /// Makes the sequence that belongs to a column.
    pub(super) fn own_sequence(&mut self, key: &Key, column: &Name, mut sequence: Sequence) {
        let name = match sequence.options.remove("sequence name") {
            Some(name) => self.name(name.rsplit('.').next().unwrap_or(&name)),
            None => self.sequence_name(key, column),
        };
        sequence.owned_by = Some((key.clone(), column.clone()));
        sequence.temporary = self.table(key).is_some_and(|table| table.temporary);
        let default = nextval(&name, self.schema.dialect());
        let place = Key::new(Class::Relation, key.schema.clone(), name);
        self.schema
            .put(place.clone(), Some(Object::new(Body::Sequence(sequence))));
        self.update_column(key, column, |column| {
            if column.default.as_ref() == Some(&default) {
                column.draws_from = Some(place);
            }
        });
    }

    /// The sequences that belong to a column.
    pub(super) fn sequences_of(&self, key: &Key, column: &Name) -> Vec<Key> {
        let owned = |key: &&Key, owner: &Key| match self.schema.get(key).map(|o| &o.body) {
            Some(Body::Sequence(sequence)) => {
                sequence.owned_by.as_ref() == Some(&(owner.clone(), column.clone()))
            }
            _ => false,
        };
        self.schema
            .dependants(key)
            .filter(|dependant| owned(dependant, key))
            .cloned()
            .collect()
    }

    /// Ends the statement when the column is not there, or not known.
    pub(super) fn known_column(&mut self, key: &Key, name: &crate::change::Ident) -> Done {
        self.column(key, name)
    }
}

fn serial(data_type: &str) -> Option<&'static str> {
    match data_type {
        "serial" => Some("integer"),
        "bigserial" => Some("bigint"),
        "smallserial" => Some("smallint"),
        _ => None,
    }
}

/// A sequence for a column of that type.
pub(super) fn sequence_of(data_type: &str) -> Sequence {
    let mut sequence = Sequence::default();
    set_type(&mut sequence, data_type);
    sequence
}

/// The type of a sequence; bigint is the engine's own choice.
pub(super) fn set_type(sequence: &mut Sequence, data_type: &str) {
    match data_type {
        "integer" | "smallint" => {
            sequence.options.insert("as".into(), data_type.into());
        }
        _ => {
            sequence.options.remove("as");
        }
    }
}

pub(super) fn nextval(name: &Name, dialect: crate::dialect::Dialect) -> Fragment {
    let quoted = crate::change::quoted(name.as_str(), dialect).replace('\'', "''");
    Fragment {
        text: format!("nextval('{quoted}')").into(),
        span: Default::default(),
    }
}

/// A column constraint as one of the table.
fn on_column(constraint: &Constraint, definition: &ColumnDef) -> Constraint {
    let mut constraint = constraint.clone();
    let part = || KeyPart {
        what: KeyExpr::Column(definition.name.clone()),
        order: "".into(),
    };
    match &mut constraint.rule {
        ConstraintRule::PrimaryKey(key) | ConstraintRule::Unique(key) => key.parts = vec![part()],
        ConstraintRule::Foreign(foreign) => foreign.columns = vec![definition.name.clone()],
        ConstraintRule::Check(_)
        | ConstraintRule::Exclude(_)
        | ConstraintRule::NotNull(_)
        | ConstraintRule::UsingIndex { .. } => {}
    }
    constraint
}

fn own_key(definition: &ColumnDef, primary: bool) -> Constraint {
    let key = ChangeKey {
        parts: vec![KeyPart {
            what: KeyExpr::Column(definition.name.clone()),
            order: "".into(),
        }],
        include: Vec::new(),
        options: Vec::new(),
        index_name: None,
    };
    Constraint {
        name: None,
        rule: match primary {
            true => ConstraintRule::PrimaryKey(key),
            false => ConstraintRule::Unique(key),
        },
        traits: Vec::new(),
        span: definition.span,
    }
}

/// What Postgres keeps of a default: casts to the type of the column itself do not count.
fn postgres_default(text: &str, data_type: &str) -> String {
    let mut text = text
        .replace("::regclass", "")
        .replace("nextval('public.", "nextval('")
        .replace("current_timestamp()", "current_timestamp");
    let base = |name: &str| name.split('(').next().unwrap_or(name).to_owned();
    while let Some((value, cast)) = split_cast(&text) {
        let cast = crate::change::type_text(cast);
        if base(&cast) != base(data_type) {
            break;
        }
        text = value.to_owned();
    }
    let literal = text
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''));
    match (data_type, literal) {
        ("boolean", Some("t" | "true" | "1" | "yes" | "on" | "y")) => "true".to_owned(),
        ("boolean", Some("f" | "false" | "0" | "no" | "off" | "n")) => "false".to_owned(),
        ("integer", Some(digits)) if digits.parse::<i64>().is_ok() => digits.to_owned(),
        _ => text,
    }
}

/// What MySQL keeps of a default: a literal becomes one of the type of its column.
fn mysql_default(text: String, data_type: &str) -> String {
    const NUMBERS: [&str; 10] = [
        "tinyint",
        "smallint",
        "mediumint",
        "int",
        "bigint",
        "decimal",
        "numeric",
        "float",
        "double",
        "real",
    ];
    const STRINGS: [&str; 2] = ["char", "varchar"];
    let base = data_type.split(['(', ' ']).next().unwrap_or(data_type);
    let inner = text
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''));
    let literal = match inner.unwrap_or(&text) {
        "true" => "1",
        "false" => "0",
        literal => literal,
    };
    let is_number = literal.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    match literal.parse::<f64>() {
        Ok(number) if is_number && NUMBERS.contains(&base) => number.to_string(),
        Ok(_) if is_number && inner.is_none() && STRINGS.contains(&base) => format!("'{literal}'"),
        _ => text,
    }
}

/// A literal and the type that it is cast to at the end.
fn split_cast(text: &str) -> Option<(&str, &str)> {
    let (value, cast) = text.rsplit_once("::")?;
    let plain = value.starts_with('\'')
        || value.starts_with(|c: char| c.is_ascii_digit())
        || value == "null"
        || value.starts_with("array[");
    (plain && !cast.contains(['\'', '+', '|'])).then_some((value, cast))
}
