//! What `ALTER TABLE … ALTER COLUMN` says.

use crate::change::cursor::Cursor;
use crate::change::fragment::Fragment;
use crate::change::{
    ColumnChange, ColumnDef, Identity, Position, TableOption, Verb, constraint, data_type,
    sequence, table,
};
use crate::dialect::Family;

pub(super) fn position(cursor: &mut Cursor<'_, '_>) -> Option<Option<Position>> {
    if cursor.eat("FIRST") {
        return Some(Some(Position::First));
    }
    if cursor.eat("AFTER") {
        return Some(Some(Position::After(cursor.ident()?)));
    }
    Some(None)
}

pub(super) fn alter_part(cursor: &mut Cursor<'_, '_>) -> Option<Verb> {
    if cursor.eat("CONSTRAINT") {
        let name = cursor.ident()?;
        if cursor.family() == Family::MySql {
            return Some(Verb::Other(cursor.fragment()));
        }
        let traits = constraint::traits(cursor)?;
        return Some(Verb::AlterConstraint { name, traits });
    }
    if cursor.family() == Family::MySql && cursor.eat_any(&["INDEX", "KEY", "CHECK"]).is_some() {
        return Some(Verb::Other(cursor.fragment()));
    }
    cursor.eat("COLUMN");
    let column = cursor.ident()?;
    let change = column_change(cursor)?;
    Some(Verb::AlterColumn { column, change })
}

fn column_change(cursor: &mut Cursor<'_, '_>) -> Option<ColumnChange> {
    let comma = |cursor: &Cursor<'_, '_>| cursor.sees_sign(",");
    if cursor.eat("SET DATA TYPE") || cursor.eat("TYPE") {
        let data_type = data_type::read(cursor)?;
        let mut collation = None;
        if cursor.eat("COLLATE") {
            let start = *cursor;
            cursor.object_name()?;
            collation = Some(Fragment::of(cursor.read_since(start), cursor.dialect));
        }
        let using = cursor
            .eat("USING")
            .then(|| Fragment::of(cursor.until(comma), cursor.dialect));
        return Some(ColumnChange::Type {
            data_type,
            collation,
            using,
        });
    }
    if cursor.eat("SET NOT NULL") {
        return Some(ColumnChange::SetNotNull);
    }
    if cursor.eat("DROP NOT NULL") {
        return Some(ColumnChange::DropNotNull);
    }
    if cursor.eat("SET DEFAULT") {
        let value = cursor.until(comma);
        return Some(ColumnChange::SetDefault(Fragment::of(
            value,
            cursor.dialect,
        )));
    }
    if cursor.eat("DROP DEFAULT") {
        return Some(ColumnChange::DropDefault);
    }
    if cursor.eat("DROP IDENTITY") {
        return Some(ColumnChange::DropIdentity(cursor.if_exists()));
    }
    if cursor.eat("DROP EXPRESSION") {
        return Some(ColumnChange::DropExpression(cursor.if_exists()));
    }
    if cursor.eat("SET EXPRESSION AS") {
        return Some(ColumnChange::SetExpression(cursor.group()?.fragment()));
    }
    if cursor.eat("ADD GENERATED") {
        let always = cursor.eat_any(&["ALWAYS", "BY DEFAULT"])? == "ALWAYS";
        cursor.expect("AS IDENTITY")?;
        let options = match cursor.group() {
            Some(mut inner) => sequence::options(&mut inner)?,
            None => Vec::new(),
        };
        return Some(ColumnChange::AddIdentity(Identity { always, options }));
    }
    if let Some(name) = cursor.eat_any(&["SET STATISTICS", "SET STORAGE", "SET COMPRESSION"]) {
        let value = Fragment::of(cursor.until(comma), cursor.dialect).text;
        // The engine's own choice.
        let value = match &*value {
            "- 1" | "-1" | "default" => "".into(),
            _ => value,
        };
        return Some(ColumnChange::SetOption(TableOption {
            name: name[4..].to_lowercase().into(),
            value,
        }));
    }
    if (cursor.sees("SET") || cursor.sees("RESET")) && cursor.peek_at(1)?.text == "(" {
        let reset = cursor.eat("RESET") || !cursor.eat("SET");
        let options = cursor.group()?.fragment().text;
        return Some(ColumnChange::SetOption(TableOption {
            name: "options".into(),
            value: if reset { "".into() } else { options },
        }));
    }
    if cursor.sees_any(&[
        "SET GENERATED",
        "RESTART",
        "SET INCREMENT",
        "SET START",
        "SET CACHE",
        "SET MAXVALUE",
        "SET MINVALUE",
        "SET RESTART",
        "SET NO",
        "SET CYCLE",
    ]) {
        let mut always = None;
        let mut options = Vec::new();
        while !cursor.is_end() && !cursor.sees_sign(",") {
            if cursor.eat("SET GENERATED") {
                always = Some(cursor.eat_any(&["ALWAYS", "BY DEFAULT"])? == "ALWAYS");
            } else {
                cursor.eat("SET");
                options.push(sequence::option(cursor)?);
            }
        }
        return Some(ColumnChange::SetIdentity { always, options });
    }
    None
}

pub(super) fn redefine(cursor: &mut Cursor<'_, '_>) -> Option<Verb> {
    let modify = cursor.eat("MODIFY") || !cursor.eat("CHANGE");
    cursor.eat("COLUMN");
    let if_missing = cursor.if_exists();
    let mut definition: Option<ColumnDef> = None;
    let column = match modify {
        true => {
            let column = table::column(cursor)?;
            let name = column.name.clone();
            definition = Some(column);
            name
        }
        false => cursor.ident()?,
    };
    let definition = match definition {
        Some(definition) => definition,
        None => table::column(cursor)?,
    };
    let position = position(cursor)?;
    Some(Verb::Redefine {
        column,
        definition,
        position,
        if_missing,
    })
}
