//! Whether the columns, values and sequences that a statement about rows names are there.

use crate::change::{Data, DataVerb, Expression, Ident, ObjectName};
use crate::dialect::Family;
use crate::replay::Replay;
use crate::schema::Class;

impl Replay<'_> {
    /// Notes columns that the one table which is read does not have.
    pub(super) fn plain_columns_fit(&mut self, data: &Data) {
        let used = match data.verb {
            DataVerb::Insert => data.uses.relations.last(),
            _ => data.uses.relations.first(),
        };
        let Some(key) = used.and_then(|used| self.find(Class::Relation, &used.name)) else {
            return;
        };
        let Some(table) = self.table(&key) else {
            return;
        };
        if table.open || !table.nature.is_empty() || !table.inherits.is_empty() {
            return;
        }
        let lacks = |column: &&Ident| table.column(&column.name).is_none();
        let Some(column) = data.plain.iter().find(lacks).cloned() else {
            return;
        };
        if self.may_have_more(&key) || self.variables.contains_key(&column.name) {
            return;
        }
        match self.modelling.family {
            // Nothing else can be meant: there are neither variables nor names of whole rows.
            Family::Sqlite => {
                self.missing_column(&key, &column);
            }
            Family::Postgres | Family::MySql => {
                let why = format!(
                    "`{}` is not known to have a column `{}`",
                    key.name, column.name
                );
                self.unknown(column.span, why);
            }
        }
    }

    /// Notes rows of more values than the table has columns.
    pub(super) fn values_fit(&mut self, data: &Data) {
        let ([target], Some(values)) = (data.targets.as_slice(), data.values) else {
            return;
        };
        let Some(key) = self.find(Class::Relation, target) else {
            return;
        };
        let Some(table) = self.table(&key) else {
            return;
        };
        let settled = !table.open && table.nature.is_empty() && table.inherits.is_empty();
        let columns = table.columns.iter();
        let columns = columns.filter(|column| column.generated.is_none()).count();
        // Postgres lets the last ones out.
        let fits = match self.modelling.family {
            Family::Postgres => values <= table.columns.len(),
            Family::Sqlite => values == columns,
            Family::MySql => values == table.columns.len(),
        };
        if settled && !fits && !self.may_have_more(&key) {
            let why = format!("`{target}` is not known to have {values} columns");
            self.unknown(target.span, why);
        }
    }

    /// Notes sequences that are read or set by their names and are not there.
    pub(super) fn sequences_fit(&mut self, data: &Data) {
        if self.modelling.family != Family::Postgres {
            return;
        }
        for call in &data.calls {
            let reads = ["setval", "nextval", "currval"].contains(&call.function.name.key());
            let Some((_, Expression::Text(text))) = call.arguments.first().filter(|_| reads) else {
                continue;
            };
            let mut name = ObjectName {
                schema: None,
                name: self.name(text),
                span: call.function.span,
            };
            let plain = text
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            if !plain {
                continue;
            }
            name.span = call.function.span;
            if self.find(Class::Relation, &name).is_none() && self.is_sure(&name) {
                self.unknown(name.span, format!("the sequence `{name}` is not known"));
            }
        }
    }
}
