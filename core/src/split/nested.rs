//! Bodies with blocks, branches and loops in one another.
//!
//! Most words that open or close a block are also names, functions or parts of expressions:
//! `IF(a, b, c)`, `REPEAT('x', 3)`, `CASE … END`, a column `end`. They are told apart by their
//! place: a block opens where a statement may begin, and closes where one has just ended.

use super::BodyFault;
use crate::lex::{Lexeme, TokenKind};
use crate::source::Span;

/// The length of the first statement, and the blocks in it that do not end.
pub(super) fn len(lexemes: &[Lexeme<'_>], anywhere: bool) -> (usize, Vec<BodyFault>) {
    let mut reader = Reader {
        lexemes,
        anywhere,
        place: Place::Start,
        open: Vec::new(),
        cases: 0,
        depth: 0,
        faults: Vec::new(),
    };
    for (at, lexeme) in lexemes.iter().enumerate() {
        match lexeme.kind {
            TokenKind::Semicolon if reader.open.is_empty() => return (at, reader.faults),
            TokenKind::Semicolon => reader.end_statement(),
            // It is read by some servers only, so it cannot hold half of a block.
            TokenKind::ExecutableComment => {}
            _ => reader.read(at),
        }
    }
    let left_open = reader.open.iter().map(|block| block.fault());
    let faults = reader.faults.iter().cloned().chain(left_open).collect();
    (lexemes.len(), faults)
}

struct Reader<'l, 't> {
    lexemes: &'l [Lexeme<'t>],
    /// Whether blocks may stand outside of stored programs.
    anywhere: bool,
    place: Place,
    /// The blocks around the place, the innermost last.
    open: Vec<Block>,
    /// How many `CASE` expressions are open.
    cases: u32,
    /// How many parentheses are open.
    depth: u32,
    faults: Vec<BodyFault>,
}

/// What may come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The first word of all.
    Start,
    /// After `CREATE`: the kind of the object.
    Kind,
    /// The name of a routine and its parameters.
    Routine,
    /// The head of a trigger, up to `FOR EACH ROW`.
    Trigger,
    /// The head of an event, up to `DO`.
    Event,
    /// Clauses before a body, or the body.
    Body,
    /// The declarations of a package.
    Package,
    /// A statement of a block.
    Statement,
    /// `DECLARE`, which may turn out to be a handler with a body.
    Declare,
    /// The rest of a statement of a block.
    Inside,
    /// The rest of a statement without blocks.
    Plain,
}

struct Block {
    kind: BlockKind,
    span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BlockKind {
    Begin,
    If,
    Case,
    Loop,
    While,
    Repeat,
    For,
    Package,
}

impl Block {
    fn fault(&self) -> BodyFault {
        BodyFault { span: self.span }
    }
}

impl BlockKind {
    fn opened_by(lexeme: &Lexeme<'_>) -> Option<BlockKind> {
        const WORDS: [(&str, BlockKind); 7] = [
            ("BEGIN", BlockKind::Begin),
            ("IF", BlockKind::If),
            ("CASE", BlockKind::Case),
            ("LOOP", BlockKind::Loop),
            ("WHILE", BlockKind::While),
            ("REPEAT", BlockKind::Repeat),
            ("FOR", BlockKind::For),
        ];
        let (_, kind) = WORDS.iter().find(|(word, _)| lexeme.is(word))?;
        Some(*kind)
    }

    /// Where one is after the word that opens it.
    fn place_inside(self) -> Place {
        match self {
            BlockKind::Begin | BlockKind::Loop | BlockKind::Repeat => Place::Statement,
            BlockKind::If | BlockKind::Case | BlockKind::While | BlockKind::For => Place::Inside,
            BlockKind::Package => Place::Package,
        }
    }
}

/// First words of the statements that may be a whole body, so that no block follows.
const PLAIN_BODIES: &[&str] = &[
    "ALTER",
    "ANALYZE",
    "CALL",
    "COMMIT",
    "CREATE",
    "DEALLOCATE",
    "DELETE",
    "DO",
    "DROP",
    "EXECUTE",
    "FLUSH",
    "GET",
    "GRANT",
    "HANDLER",
    "INSERT",
    "KILL",
    "LOAD",
    "LOCK",
    "OPTIMIZE",
    "PREPARE",
    "RENAME",
    "REPLACE",
    "RESIGNAL",
    "RETURN",
    "REVOKE",
    "ROLLBACK",
    "SAVEPOINT",
    "SELECT",
    "SET",
    "SHOW",
    "SIGNAL",
    "START",
    "TABLE",
    "TRUNCATE",
    "UPDATE",
    "VALUES",
    "WITH",
];

/// Words after which an operand must come, so that a following `END` is a name.
const BEFORE_OPERANDS: &[&str] = &[
    "AND", "AS", "BETWEEN", "BINARY", "CASE", "DISTINCT", "DIV", "ELSE", "IN", "LIKE", "MOD",
    "NOT", "OR", "REGEXP", "RLIKE", "SELECT", "THEN", "WHEN", "XOR",
];

impl Reader<'_, '_> {
    fn read(&mut self, at: usize) {
        let lexeme = self.lexemes[at];
        match lexeme.kind {
            TokenKind::Open => self.depth += 1,
            TokenKind::Close => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        match self.place {
            Place::Start => self.start(at),
            Place::Kind => self.kind(at),
            Place::Routine if lexeme.kind == TokenKind::Close && self.depth == 0 => {
                self.place = Place::Body;
            }
            Place::Trigger if lexeme.is("ROW") && self.before(at).is_some_and(|l| l.is("EACH")) => {
                self.place = Place::Body;
            }
            Place::Event if lexeme.is("DO") && self.depth == 0 && !self.is_part_of_name(at) => {
                self.place = Place::Body;
            }
            Place::Routine | Place::Trigger | Place::Event => {}
            Place::Body => self.body(at),
            Place::Package => self.package(at),
            Place::Statement => self.statement(at),
            Place::Declare => {
                let is_handler =
                    lexeme.is("HANDLER") && self.after(at).is_some_and(|l| l.is("FOR"));
                if is_handler {
                    self.place = Place::Body;
                }
            }
            Place::Inside => self.inside(at),
            Place::Plain => {}
        }
    }

    fn end_statement(&mut self) {
        self.cases = 0;
        self.depth = 0;
        self.place = match self.open.last() {
            Some(block) if block.kind == BlockKind::Package => Place::Package,
            _ => Place::Statement,
        };
    }

    fn start(&mut self, at: usize) {
        let lexeme = self.lexemes[at];
        if lexeme.is("CREATE") || lexeme.is("ALTER") {
            self.place = Place::Kind;
        } else if self.anywhere {
            let is_label = self.after(at).is_some_and(|next| next.is_operator(":"));
            let is_transaction = lexeme.is("BEGIN")
                && !self.after(at).is_some_and(|next| next.is("NOT"))
                && !self
                    .before(at)
                    .is_some_and(|before| before.is_operator(":"));
            match BlockKind::opened_by(&lexeme) {
                Some(kind) if !is_transaction => self.open(kind, lexeme.span),
                _ if is_label || lexeme.is_operator(":") => {}
                _ => self.place = Place::Plain,
            }
        } else {
            self.place = Place::Plain;
        }
    }

    /// Between `CREATE` and the kind of the object stand few words, and who defines it.
    fn kind(&mut self, at: usize) {
        let lexeme = self.lexemes[at];
        let is_definer = self
            .before(at)
            .is_some_and(|l| l.is_operator("=") || l.is_operator("@"));
        let is_skipped = ["OR", "REPLACE", "DEFINER", "AGGREGATE"]
            .iter()
            .any(|word| lexeme.is(word))
            || lexeme.kind != TokenKind::Word;
        self.place = match () {
            () if is_definer || is_skipped => Place::Kind,
            () if lexeme.is("TRIGGER") => Place::Trigger,
            () if lexeme.is("EVENT") => Place::Event,
            () if lexeme.is("PROCEDURE") || lexeme.is("FUNCTION") => Place::Routine,
            () if lexeme.is("PACKAGE") => return self.open(BlockKind::Package, lexeme.span),
            () => Place::Plain,
        };
    }

    fn body(&mut self, at: usize) {
        let lexeme = self.lexemes[at];
        if self.depth > 0
            || self
                .before(at)
                .is_some_and(|before| before.is_operator(","))
        {
            return;
        }
        let is_condition = lexeme.is("FOR") && self.before(at).is_some_and(|l| l.is("HANDLER"));
        if let Some(kind) = BlockKind::opened_by(&lexeme).filter(|_| !is_condition) {
            self.open(kind, lexeme.span);
        } else if PLAIN_BODIES.iter().any(|word| lexeme.is(word)) && !self.is_part_of_type(at) {
            self.place = match self.open.is_empty() {
                true => Place::Plain,
                false => Place::Inside,
            };
        }
    }

    /// `CHARACTER SET utf8mb4` or `RETURNS SET('a', 'b')`.
    fn is_part_of_type(&self, at: usize) -> bool {
        self.lexemes[at].is("SET")
            && self
                .before(at)
                .is_some_and(|l| l.is("CHARACTER") || l.is("CHAR") || l.is("RETURNS"))
    }

    fn package(&mut self, at: usize) {
        let lexeme = self.lexemes[at];
        let follows_semicolon = at > 0 && self.lexemes[at - 1].kind == TokenKind::Semicolon;
        if lexeme.is("END") && follows_semicolon {
            self.close(at);
        } else if lexeme.is("BEGIN") && !follows_semicolon && !self.is_part_of_name(at) {
            self.open(BlockKind::Begin, lexeme.span);
        }
    }

    fn statement(&mut self, at: usize) {
        let lexeme = self.lexemes[at];
        let is_label = self.after(at).is_some_and(|next| next.is_operator(":"));
        if is_label || lexeme.is_operator(":") {
            return;
        }
        if lexeme.is("END") {
            self.close(at);
        } else if let Some(kind) = BlockKind::opened_by(&lexeme) {
            self.open(kind, lexeme.span);
        } else if lexeme.is("DECLARE") {
            self.place = Place::Declare;
        } else if !["ELSE", "NOT", "ATOMIC"].iter().any(|word| lexeme.is(word)) {
            self.place = Place::Inside;
        }
    }

    fn inside(&mut self, at: usize) {
        let lexeme = self.lexemes[at];
        let innermost = self.open.last().map(|block| block.kind);
        let follows_end = self.before(at).is_some_and(|before| before.is("END"));
        if lexeme.is("CASE") && !follows_end {
            self.cases += 1;
        } else if lexeme.is("END") && self.cases > 0 {
            if self.ends_operand(at) {
                self.cases -= 1;
            }
        } else if lexeme.is("END") && innermost == Some(BlockKind::Repeat) {
            if self.after(at).is_some_and(|next| next.is("REPEAT")) {
                self.close(at);
            }
        } else if self.cases == 0 && self.depth == 0 {
            let begins_statement = match innermost {
                Some(BlockKind::If | BlockKind::Case) => lexeme.is("THEN") || lexeme.is("ELSE"),
                Some(BlockKind::While | BlockKind::For) => lexeme.is("DO"),
                _ => false,
            };
            if begins_statement {
                self.place = Place::Statement;
            }
        }
    }

    /// Whether an operand ends before `at`, so that an `END` there is no name.
    fn ends_operand(&self, at: usize) -> bool {
        self.before(at).is_some_and(|before| match before.kind {
            TokenKind::Operator | TokenKind::Open | TokenKind::Semicolon => false,
            _ => !BEFORE_OPERANDS.iter().any(|word| before.is(word)),
        })
    }

    fn is_part_of_name(&self, at: usize) -> bool {
        self.before(at)
            .is_some_and(|l| l.is_operator(".") || l.is("EVENT") || l.is("EXISTS"))
    }

    fn open(&mut self, kind: BlockKind, span: Span) {
        self.open.push(Block { kind, span });
        self.cases = 0;
        self.place = kind.place_inside();
    }

    /// Closes the block that the `END` at `at` belongs to. Blocks inside it that are still open
    /// have no end of their own.
    fn close(&mut self, at: usize) {
        let kind = match self.after(at).and_then(BlockKind::opened_by) {
            None | Some(BlockKind::Begin) => BlockKind::Begin,
            Some(kind) => kind,
        };
        let is_closed = |block: &Block| {
            block.kind == kind || kind == BlockKind::Begin && block.kind == BlockKind::Package
        };
        if let Some(index) = self.open.iter().rposition(is_closed) {
            self.faults
                .extend(self.open.drain(index..).skip(1).map(|block| block.fault()));
        }
        self.place = match self.open.is_empty() {
            true => Place::Plain,
            false => Place::Inside,
        };
    }

    fn before(&self, at: usize) -> Option<&Lexeme<'_>> {
        self.lexemes[..at]
            .iter()
            .rev()
            .find(|lexeme| lexeme.kind != TokenKind::ExecutableComment)
    }

    fn after(&self, at: usize) -> Option<&Lexeme<'_>> {
        self.lexemes.get(at + 1)
    }
}
