//! What expressions of a block come to, as far as the model can tell.

use std::collections::BTreeMap;

use super::Replay;
use crate::change::{Expression, Lookup, Name, ObjectName, Operator, Output, quoted};
use crate::schema::Class;
use crate::source::Span;

/// What an expression comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// It cannot be told.
    Unknown,
    /// NULL.
    Null,
    /// A truth.
    Bool(bool),
    /// A whole number.
    Number(i64),
    /// A number above zero.
    Some,
    /// A text.
    Text(String),
    /// Texts.
    List(Vec<String>),
}

type Variables = BTreeMap<Name, Value>;

impl Value {
    fn of(answer: Option<bool>) -> Value {
        match answer {
            Some(answer) => Value::Bool(answer),
            None => Value::Unknown,
        }
    }

    fn text(self) -> Option<String> {
        match self {
            Value::Text(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }
}

impl Replay<'_> {
    /// What the expression comes to.
    pub(super) fn value(&self, expression: &Expression, variables: &Variables) -> Value {
        let of = |expression: &Expression| self.value(expression, variables);
        match expression {
            Expression::Unknown => Value::Unknown,
            Expression::Null => Value::Null,
            Expression::Bool(truth) => Value::Bool(*truth),
            Expression::Number(number) => Value::Number(*number),
            Expression::Text(text) => Value::Text(text.to_string()),
            Expression::Variable(name) => variables.get(name).cloned().unwrap_or(Value::Unknown),
            Expression::List(values) => {
                let texts: Option<Vec<String>> =
                    values.iter().map(|value| of(value).text()).collect();
                texts.map_or(Value::Unknown, Value::List)
            }
            Expression::Call(name, arguments) => {
                let values: Vec<Value> = arguments.iter().map(of).collect();
                self.called(name.key(), values)
            }
            Expression::Binary(operator, left, right) => combine(*operator, of(left), of(right)),
            Expression::Not(inner) => match of(inner) {
                Value::Bool(truth) => Value::Bool(!truth),
                Value::Null => Value::Null,
                _ => Value::Unknown,
            },
            Expression::IsNull(inner) => match of(inner) {
                Value::Unknown => Value::Unknown,
                value => Value::Bool(value == Value::Null),
            },
            Expression::In(inner, values) => {
                let value = of(inner);
                let mut all = Value::Bool(false);
                for other in values {
                    let one = combine(Operator::Equal, value.clone(), of(other));
                    all = combine(Operator::Or, all, one);
                }
                all
            }
            Expression::Exists(lookup) => Value::of(self.has_row(lookup, variables)),
            Expression::Select(lookup) => self.select(lookup, variables),
        }
    }

    /// What a query for one value gives.
    pub(super) fn select(&self, lookup: &Lookup, variables: &Variables) -> Value {
        match &lookup.output {
            Output::Value(value) if !lookup.more => self.value(value, variables),
            Output::Count if !lookup.more => match self.has_row(lookup, variables) {
                Some(true) => Value::Some,
                Some(false) => Value::Number(0),
                None => Value::Unknown,
            },
            Output::Column(column) => self.cell(lookup, column, variables),
            Output::Count | Output::Value(_) | Output::Other => Value::Unknown,
        }
    }

    fn called(&self, name: &str, arguments: Vec<Value>) -> Value {
        let texts: Option<Vec<String>> = arguments.iter().cloned().map(Value::text).collect();
        let dialect = self.schema.dialect();
        match (name, texts.as_deref()) {
            ("lower", Some([text])) => Value::Text(text.to_lowercase()),
            ("upper", Some([text])) => Value::Text(text.to_uppercase()),
            ("trim" | "btrim", Some([text])) => Value::Text(text.trim().to_owned()),
            ("quote_ident", Some([text])) => Value::Text(quoted(text, dialect)),
            ("quote_literal", Some([text])) => {
                Value::Text(format!("'{}'", text.replace('\'', "''")))
            }
            ("concat", Some(texts)) => Value::Text(texts.concat()),
            ("replace", Some([text, from, to])) if !from.is_empty() => {
                Value::Text(text.replace(from.as_str(), to))
            }
            ("format", Some([form, rest @ ..])) => {
                filled(form, rest, dialect).map_or(Value::Unknown, Value::Text)
            }
            ("string_to_array", Some([text, separator])) if !separator.is_empty() => {
                Value::List(text.split(separator.as_str()).map(str::to_owned).collect())
            }
            ("current_schema", Some([])) => Value::Text(self.first_schema().as_str().to_owned()),
            ("to_regclass", Some([text])) => self.registered(text, Class::Relation),
            ("to_regtype", Some([text])) => self.registered(text, Class::Type),
            ("array_to_string", None) => match arguments.as_slice() {
                [Value::List(values), Value::Text(separator)] => {
                    Value::Text(values.join(separator))
                }
                _ => Value::Unknown,
            },
            ("coalesce", _) => arguments
                .into_iter()
                .find(|value| *value != Value::Null)
                .unwrap_or(Value::Null),
            _ => Value::Unknown,
        }
    }

    /// The name if there is such an object, else NULL.
    fn registered(&self, text: &str, class: Class) -> Value {
        let name = self.written_name(text);
        match self.find(class, &name) {
            Some(key) if self.schema.get(&key).is_some_and(|o| !o.is_open()) => {
                Value::Text(text.to_owned())
            }
            None if self.is_sure(&name) => Value::Null,
            _ => Value::Unknown,
        }
    }

    /// The name that a text stands for.
    pub(super) fn written_name(&self, text: &str) -> ObjectName {
        let dialect = self.schema.dialect();
        let part = |text: &str| match text.strip_prefix('"') {
            Some(rest) => Name::new(rest.trim_end_matches('"'), dialect),
            None => Name::unquoted(text, dialect),
        };
        let (schema, name) = match text.rsplit_once('.') {
            Some((schema, name)) => (Some(part(schema)), part(name)),
            None => (None, part(text)),
        };
        ObjectName {
            schema,
            name,
            span: Span::default(),
        }
    }

    /// Whether an expression asks for nothing but rows of tables that no migration fills.
    pub(super) fn is_empty_handed(&self, test: &Expression) -> bool {
        match test {
            Expression::Exists(lookup) | Expression::Select(lookup) => {
                !lookup.relations.is_empty()
                    && lookup.relations.iter().all(|(name, _)| {
                        self.find(Class::Relation, name)
                            .and_then(|key| self.table(&key))
                            .is_some_and(|table| !table.filled && !table.open)
                    })
            }
            _ => false,
        }
    }
}

fn combine(operator: Operator, left: Value, right: Value) -> Value {
    use Value::{Bool, Null, Number, Some, Text, Unknown};
    match (operator, left, right) {
        (Operator::And, Bool(false), _) | (Operator::And, _, Bool(false)) => Bool(false),
        (Operator::And, Bool(true), other) | (Operator::And, other, Bool(true)) => other,
        (Operator::Or, Bool(true), _) | (Operator::Or, _, Bool(true)) => Bool(true),
        (Operator::Or, Bool(false), other) | (Operator::Or, other, Bool(false)) => other,
        (Operator::And | Operator::Or, ..) => Unknown,
        (_, Unknown, _) | (_, _, Unknown) => Unknown,
        (_, Null, _) | (_, _, Null) => Null,
        (Operator::Join, left, right) => match (left.text(), right.text()) {
            (Option::Some(left), Option::Some(right)) => Text(left + &right),
            _ => Unknown,
        },
        (operator, Number(left), Number(right)) => Bool(holds(operator, left.cmp(&right))),
        (operator, Text(left), Text(right)) => match operator {
            Operator::Equal => Bool(left == right),
            Operator::Unequal => Bool(left != right),
            _ => Unknown,
        },
        (Operator::Equal, Bool(left), Bool(right)) => Bool(left == right),
        (Operator::Unequal, Bool(left), Bool(right)) => Bool(left != right),
        (operator, Some, Number(0)) => Bool(holds(operator, std::cmp::Ordering::Greater)),
        (Operator::AtLeast, Some, Number(1)) => Bool(true),
        (Operator::Less, Some, Number(1)) => Bool(false),
        _ => Unknown,
    }
}

fn holds(operator: Operator, order: std::cmp::Ordering) -> bool {
    match operator {
        Operator::Equal => order.is_eq(),
        Operator::Unequal => order.is_ne(),
        Operator::Less => order.is_lt(),
        Operator::More => order.is_gt(),
        Operator::AtMost => order.is_le(),
        Operator::AtLeast => order.is_ge(),
        Operator::Join | Operator::And | Operator::Or => false,
    }
}

/// `format`, with the places that are filled in order.
fn filled(form: &str, values: &[String], dialect: crate::dialect::Dialect) -> Option<String> {
    let mut text = String::new();
    let mut rest = form;
    let mut values = values.iter();
    while let Some(at) = rest.find('%') {
        text.push_str(&rest[..at]);
        let mut place = rest[at + 1..].chars();
        match place.next()? {
            '%' => text.push('%'),
            's' => text.push_str(values.next()?),
            'I' => text.push_str(&quoted(values.next()?, dialect)),
            'L' => text.push_str(&format!("'{}'", values.next()?.replace('\'', "''"))),
            _ => return None,
        }
        rest = place.as_str();
    }
    text.push_str(rest);
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_may_still_decide() {
        let (yes, no) = (Value::Bool(true), Value::Bool(false));
        assert_eq!(combine(Operator::And, Value::Unknown, no.clone()), no);
        assert_eq!(combine(Operator::Or, Value::Unknown, yes.clone()), yes);
        assert_eq!(combine(Operator::And, Value::Unknown, yes), Value::Unknown);
        assert_eq!(combine(Operator::Equal, Value::Some, Value::Number(0)), no);
        assert_eq!(
            combine(Operator::Equal, Value::Some, Value::Number(1)),
            Value::Unknown
        );
    }

    #[test]
    fn texts_are_put_together_as_the_engine_does() {
        let dialect = crate::dialect::Dialect::Postgres;
        let values = ["Some table".to_owned(), "it's".to_owned()];
        assert_eq!(
            filled("COMMENT ON TABLE %I IS %L -- 100%%", &values, dialect).as_deref(),
            Some("COMMENT ON TABLE \"Some table\" IS 'it''s' -- 100%")
        );
        assert_eq!(filled("%1$s", &values, dialect), None);
    }
}
