//! `DO` blocks and functions that are called: their steps are replayed as far as it can be told
//! which of them run. What may or may not run is doubted.

use std::collections::BTreeMap;

use super::value::Value;
use super::{Done, Finding, Replay};
use crate::change::{
    self, Block, Change, Deed, Expression, Handler, Kind, Name, ObjectName, Scope, Step,
};
use crate::lex;
use crate::schema::{Body, Class, Key};
use crate::source::Span;

/// How deep calls may stand in one another.
const DEEPEST: usize = 8;

/// How many steps a statement may take.
const LONGEST: usize = 2_000;

/// What is known while a block runs.
pub(super) struct Frame<'b> {
    block: &'b Block,
    /// Where the block stands in the file; `None` for the body of a function.
    offset: Option<u32>,
    pub(super) variables: BTreeMap<Name, Value>,
    /// What the engine calls the error of the step that was refused last.
    error: &'static [&'static str],
}

/// How a step ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    /// The block is left.
    Return,
    /// The engine refuses the step.
    Refused,
}

impl Replay<'_> {
    /// `DO`
    pub(super) fn block(&mut self, block: &Block) -> Done {
        self.run_block(block, block.offset, BTreeMap::new())
    }

    /// Runs a function that the model knows. `None` when it cannot be followed.
    pub(super) fn call(
        &mut self,
        key: &Key,
        arguments: &[(Option<Name>, Expression)],
        around: &BTreeMap<Name, Value>,
    ) -> Option<()> {
        if self.depth >= DEEPEST {
            return None;
        }
        let Some(Body::Routine(routine)) = self.schema.get(key).map(|object| &object.body) else {
            return None;
        };
        if routine.open || routine.kind != Kind::Function {
            return None;
        }
        let routine = routine.clone();
        let dialect = self.schema.dialect();
        let language = routine
            .options
            .get("language")?
            .trim_matches('\'')
            .to_lowercase();
        let block = match &*language {
            "plpgsql" => change::block(&routine.body, dialect)?,
            "sql" => change::statements(&routine.body, dialect),
            _ => return None,
        };
        let mut variables = BTreeMap::new();
        let names = argument_names(&routine.signature.text, dialect);
        for (at, (name, value)) in arguments.iter().enumerate() {
            let value = self.value(value, around);
            variables.insert(self.name(&format!("${}", at + 1)), value.clone());
            if let Some(name) = name.as_ref().or_else(|| names.get(at)) {
                variables.insert(name.clone(), value);
            }
        }
        for name in names.iter().skip(arguments.len()) {
            variables.entry(name.clone()).or_insert(Value::Unknown);
        }
        self.run_block(&block, None, variables);
        Some(())
    }

    fn run_block(
        &mut self,
        block: &Block,
        offset: Option<u32>,
        variables: BTreeMap<Name, Value>,
    ) -> Done {
        let mut frame = Frame {
            block,
            offset,
            variables,
            error: &[],
        };
        self.depth += 1;
        let flow = self.scope(&mut frame, &block.scope);
        self.depth -= 1;
        (flow != Flow::Refused).then_some(())
    }

    fn scope(&mut self, frame: &mut Frame<'_>, scope: &Scope) -> Flow {
        for (name, first) in &scope.variables {
            let value = self.value(first, &frame.variables);
            frame.variables.insert(name.clone(), value);
        }
        let mark = self.schema.mark();
        let found = self.outcome.findings.len();
        let guarded = self.guarded;
        self.guarded |= !scope.handlers.is_empty();
        let flow = self.steps(frame, &scope.steps);
        self.guarded = guarded;
        if flow != Flow::Refused || scope.handlers.is_empty() {
            return flow;
        }
        // What the block did up to there is taken back.
        self.outcome.findings.truncate(found);
        self.schema.undo(mark);
        let catches = |handler: &&Handler| {
            handler
                .errors
                .iter()
                .any(|error| &**error == "others" || frame.error.contains(&&**error))
        };
        match scope.handlers.iter().find(catches) {
            Some(handler) => self.steps(frame, &handler.steps),
            None => {
                self.maybe(frame, &scope.steps);
                self.unknown(self.span, "which error a block catches is not known");
                Flow::Next
            }
        }
    }

    fn steps(&mut self, frame: &mut Frame<'_>, steps: &[Step]) -> Flow {
        for step in steps {
            self.taken += 1;
            if self.taken > LONGEST {
                self.opaque("a block takes too many steps", &[], true, true);
                return Flow::Return;
            }
            let flow = self.step(frame, step);
            if flow != Flow::Next {
                return flow;
            }
        }
        Flow::Next
    }

    fn step(&mut self, frame: &mut Frame<'_>, step: &Step) -> Flow {
        match &step.deed {
            Deed::Sql => {
                let text = frame.block.text.clone();
                self.sql(frame, &text, step.span, frame.offset)
            }
            Deed::Perform(words) => {
                let query = format!("SELECT {}", words.of(&frame.block.text));
                let span = Span::new(0..query.len());
                self.sql(frame, &query, span, None)
            }
            Deed::Execute { text, into } => {
                for name in into {
                    frame.variables.insert(name.clone(), Value::Unknown);
                }
                let flow = self.hidden_calls(frame, text);
                if flow != Flow::Next {
                    return flow;
                }
                match self.value(text, &frame.variables) {
                    Value::Text(text) => self.texts(frame, &text),
                    // What such a function gives back is empty.
                    _ if self.returns_nothing(text) => Flow::Next,
                    _ => {
                        let mentions = self.mentions(frame, step.span);
                        self.opaque(
                            "what it runs is put together from what is not known",
                            &mentions,
                            true,
                            true,
                        );
                        Flow::Next
                    }
                }
            }
            Deed::Select { into, query } => {
                let value = match query {
                    Some(query) => self.select(query, &frame.variables),
                    None => Value::Unknown,
                };
                for name in into {
                    let value = match into.len() {
                        1 => value.clone(),
                        _ => Value::Unknown,
                    };
                    frame.variables.insert(name.clone(), value);
                }
                Flow::Next
            }
            Deed::Assign(name, value) => {
                let flow = self.hidden_calls(frame, value);
                if flow != Flow::Next {
                    return flow;
                }
                let value = self.value(value, &frame.variables);
                frame.variables.insert(name.clone(), value);
                Flow::Next
            }
            Deed::If { arms, otherwise } => self.choose(frame, arms, otherwise),
            Deed::Each(name, list, steps) => match self.value(list, &frame.variables) {
                Value::List(values) => {
                    for value in values {
                        frame.variables.insert(name.clone(), Value::Text(value));
                        let flow = self.steps(frame, steps);
                        if flow != Flow::Next {
                            return flow;
                        }
                    }
                    Flow::Next
                }
                _ => self.maybe(frame, steps),
            },
            Deed::Repeat(steps) => self.maybe(frame, steps),
            Deed::Scope(scope) => self.scope(frame, scope),
            Deed::Stop => self.stop(frame, step.span),
            Deed::Return => Flow::Return,
            Deed::Leave => {
                self.unknown(self.span, "how often a loop runs is not known");
                Flow::Return
            }
            Deed::Nothing => Flow::Next,
        }
    }

    fn choose(
        &mut self,
        frame: &mut Frame<'_>,
        arms: &[(Expression, Vec<Step>)],
        otherwise: &[Step],
    ) -> Flow {
        for (at, (test, steps)) in arms.iter().enumerate() {
            let flow = self.hidden_calls(frame, test);
            if flow != Flow::Next {
                return flow;
            }
            match self.value(test, &frame.variables) {
                Value::Bool(true) => return self.steps(frame, steps),
                Value::Bool(false) | Value::Null => {}
                _ => {
                    // A guard over tables that no migration fills lets a schema pass.
                    let guards = steps
                        .iter()
                        .all(|step| matches!(step.deed, Deed::Stop | Deed::Nothing));
                    if guards && self.is_empty_handed(test) {
                        continue;
                    }
                    for (_, steps) in &arms[at..] {
                        self.maybe(frame, steps);
                    }
                    return self.maybe(frame, otherwise);
                }
            }
        }
        self.steps(frame, otherwise)
    }

    /// Runs the functions of the migrations that an expression calls.
    fn hidden_calls(&mut self, frame: &mut Frame<'_>, expression: &Expression) -> Flow {
        match expression {
            Expression::Call(name, arguments) => {
                for argument in arguments {
                    let flow = self.hidden_calls(frame, argument);
                    if flow != Flow::Next {
                        return flow;
                    }
                }
                let function = ObjectName {
                    schema: None,
                    name: name.clone(),
                    span: Span::default(),
                };
                let Some(key) = self.function(&function, arguments.len()) else {
                    return Flow::Next;
                };
                let arguments: Vec<_> = arguments
                    .iter()
                    .map(|argument| (None, argument.clone()))
                    .collect();
                let findings = self.outcome.findings.len();
                let variables = frame.variables.clone();
                if self.call(&key, &arguments, &variables).is_none() && self.acts(&key) {
                    self.opaque("a function may change anything", &[], true, true);
                }
                match self.outcome.findings.len() > findings {
                    true => Flow::Refused,
                    false => Flow::Next,
                }
            }
            Expression::Binary(_, left, right) => match self.hidden_calls(frame, left) {
                Flow::Next => self.hidden_calls(frame, right),
                flow => flow,
            },
            Expression::Not(inner) | Expression::IsNull(inner) => self.hidden_calls(frame, inner),
            Expression::Unknown
            | Expression::Null
            | Expression::Bool(_)
            | Expression::Number(_)
            | Expression::Text(_)
            | Expression::Variable(_)
            | Expression::List(_)
            | Expression::In(..)
            | Expression::Exists(_)
            | Expression::Select(_) => Flow::Next,
        }
    }

    fn returns_nothing(&self, expression: &Expression) -> bool {
        let Expression::Call(name, arguments) = expression else {
            return false;
        };
        let function = ObjectName {
            schema: None,
            name: name.clone(),
            span: Span::default(),
        };
        let key = self.function(&function, arguments.len());
        let routine = key.and_then(|key| self.schema.get(&key).cloned());
        matches!(
            routine.as_ref().map(|object| &object.body),
            Some(Body::Routine(routine))
                if routine.returns.as_ref().is_some_and(|returns| &*returns.text == "void")
        )
    }

    fn stop(&mut self, frame: &mut Frame<'_>, span: Span) -> Flow {
        frame.error = &["raise_exception"];
        let span = self.place(frame.offset, span);
        self.refuse(Finding {
            code: "statement-refused",
            span,
            message: "it raises an error of its own".to_owned(),
            why: "`RAISE` ends the statement, and takes back what it did.".to_owned(),
            help: "Where there is no way back, leave the DOWN out and say why:\n\
                   -- @irreversible: <reason>"
                .to_owned(),
            missing: None,
        });
        Flow::Refused
    }

    /// The place in the file of a place in a block.
    fn place(&self, offset: Option<u32>, span: Span) -> Span {
        match offset {
            Some(offset) => Span {
                start: span.start + offset,
                end: span.end + offset,
            },
            None => self.span,
        }
    }

    /// Replays the statements of a text that was put together.
    fn texts(&mut self, frame: &mut Frame<'_>, text: &str) -> Flow {
        let tokens = lex::lex(text, self.schema.dialect()).tokens;
        let lexemes = lex::lexemes(text, &tokens);
        for words in lexemes.split(|lexeme| lexeme.text == ";") {
            let [first, ..] = words else { continue };
            let span = words
                .last()
                .map_or(first.span, |last| first.span.to(last.span));
            let flow = self.sql(frame, text, span, None);
            if flow != Flow::Next {
                return flow;
            }
        }
        Flow::Next
    }

    fn sql(&mut self, frame: &mut Frame<'_>, text: &str, span: Span, offset: Option<u32>) -> Flow {
        let change = match change::read(text, span, self.schema.dialect()) {
            Ok(change) => change,
            Err(_) => Change::Opaque(change::unread(
                text,
                span,
                self.schema.dialect(),
                "a statement in a block cannot be read",
            )),
        };
        let (findings, unknowns) = (self.outcome.findings.len(), self.outcome.unknowns.len());
        let outer = self.span;
        let around = std::mem::replace(&mut self.variables, frame.variables.clone());
        self.change(&change);
        self.variables = around;
        for at in findings..self.outcome.findings.len() {
            self.outcome.findings[at].span = self.place(offset, self.outcome.findings[at].span);
        }
        for unknown in &mut self.outcome.unknowns[unknowns..] {
            unknown.span = outer;
        }
        if self.outcome.findings.len() == findings {
            return Flow::Next;
        }
        let refused = self.outcome.findings[findings].code;
        frame.error = errors_of(&change, refused);
        Flow::Refused
    }

    /// Steps that may or may not run, once or many times.
    fn maybe(&mut self, frame: &mut Frame<'_>, steps: &[Step]) -> Flow {
        for step in steps {
            match &step.deed {
                Deed::Sql => {
                    let text = frame.block.text.clone();
                    self.maybe_sql(&text, step.span);
                }
                Deed::Perform(words) => {
                    let query = format!("SELECT {}", words.of(&frame.block.text));
                    let span = Span::new(0..query.len());
                    self.maybe_sql(&query, span);
                }
                Deed::Execute { text, .. } => {
                    let value = self.value(text, &frame.variables);
                    match value {
                        Value::Text(text) => {
                            let span = Span::new(0..text.len());
                            self.maybe_sql(&text, span);
                        }
                        _ => {
                            let mentions = self.mentions(frame, step.span);
                            self.opaque("what a block runs is not known", &mentions, true, true);
                        }
                    }
                }
                Deed::Select { into, .. } => {
                    for name in into {
                        frame.variables.insert(name.clone(), Value::Unknown);
                    }
                }
                Deed::Assign(name, _) => {
                    frame.variables.insert(name.clone(), Value::Unknown);
                }
                Deed::If { arms, otherwise } => {
                    for (_, steps) in arms {
                        self.maybe(frame, steps);
                    }
                    self.maybe(frame, otherwise);
                }
                Deed::Each(name, _, steps) => {
                    frame.variables.insert(name.clone(), Value::Unknown);
                    self.maybe(frame, steps);
                }
                Deed::Repeat(steps) => {
                    self.maybe(frame, steps);
                }
                Deed::Scope(scope) => {
                    for (name, _) in &scope.variables {
                        frame.variables.insert(name.clone(), Value::Unknown);
                    }
                    self.maybe(frame, &scope.steps);
                    for handler in &scope.handlers {
                        self.maybe(frame, &handler.steps);
                    }
                }
                Deed::Stop => self.unknown(self.span, "a block may raise an error"),
                Deed::Return => self.unknown(self.span, "where a block ends is not known"),
                Deed::Leave | Deed::Nothing => {}
            }
        }
        Flow::Next
    }

    /// A statement that may or may not run: rows do not count, the rest is doubted.
    fn maybe_sql(&mut self, text: &str, span: Span) {
        let dialect = self.schema.dialect();
        let change = change::read(text, span, dialect);
        let findings = self.outcome.findings.len();
        match &change {
            Ok(Change::Harmless) => {}
            Ok(Change::Data(data)) => {
                let mut data = data.clone();
                data.calls.clear();
                self.data(&data);
            }
            _ => {
                let unread = change::unread(text, span, dialect, "");
                self.opaque(
                    "whether a step of a block runs is not known",
                    &unread.mentions,
                    unread.anything,
                    true,
                );
            }
        }
        self.outcome.findings.truncate(findings);
    }

    fn mentions(&self, frame: &Frame<'_>, span: Span) -> Vec<Name> {
        change::unread(&frame.block.text, span, self.schema.dialect(), "").mentions
    }

    /// The only function of that name.
    pub(super) fn function(&self, name: &ObjectName, arguments: usize) -> Option<Key> {
        let place = self.new_key(Class::Routine, name);
        let mut found = self
            .schema
            .in_schema(Class::Routine, &place.schema)
            .filter(|(key, _)| key.name == place.name)
            .map(|(key, _)| key.clone());
        let only = found.next()?;
        let types = only
            .within
            .as_ref()
            .map_or(0, |types| match types.as_str() {
                "" => 0,
                types => types.split(',').count(),
            });
        (found.next().is_none() && types >= arguments).then_some(only)
    }
}

/// The names of arguments as they are written.
fn argument_names(signature: &str, dialect: crate::dialect::Dialect) -> Vec<Name> {
    let tokens = lex::lex(signature, dialect).tokens;
    let lexemes = lex::lexemes(signature, &tokens);
    let mut names = Vec::new();
    let mut depth = 0_usize;
    let mut first = true;
    for lexeme in &lexemes {
        match lexeme.text {
            "(" | "[" => depth += 1,
            ")" | "]" => depth = depth.saturating_sub(1),
            "," if depth == 0 => first = true,
            _ if first => {
                if ["IN", "INOUT", "VARIADIC"]
                    .iter()
                    .any(|mode| lexeme.is(mode))
                {
                    continue;
                }
                names.push(Name::unquoted(lexeme.text.trim_matches('"'), dialect));
                first = false;
            }
            _ => {}
        }
    }
    names
}

/// The names that Postgres has for what was refused, by which a block may catch it.
fn errors_of(change: &Change, code: &str) -> &'static [&'static str] {
    match (code, change) {
        (
            "duplicate-object",
            Change::CreateTable(_)
            | Change::CreateIndex(_)
            | Change::CreateView(_)
            | Change::CreateSequence(_),
        ) => &["duplicate_table"],
        (
            "duplicate-object",
            Change::CreateType(_)
            | Change::CreateDomain(_)
            | Change::AlterType(_)
            | Change::CreateTrigger(_)
            | Change::CreateOther(_)
            | Change::CreateExtension(_),
        ) => &["duplicate_object"],
        ("duplicate-object", Change::CreateRoutine(_)) => &["duplicate_function"],
        ("duplicate-object", Change::CreateSchema(_)) => &["duplicate_schema"],
        // A column, a constraint, or an index with the name of one.
        ("duplicate-object", Change::AlterTable(_)) => {
            &["duplicate_object", "duplicate_column", "duplicate_table"]
        }
        ("unknown-table", _) => &["undefined_table"],
        ("unknown-column", _) => &["undefined_column"],
        ("unknown-object", _) => &["undefined_object"],
        ("dependent-object-blocks", _) => &["dependent_objects_still_exist"],
        _ => &[],
    }
}
