//! Text to rule: tokens, then terms by precedence (`or`, `and`, `not`), each typed as it is read.

use alloc::{
    boxed::Box,
    format,
    string::{String, ToString},
    vec::Vec,
};

use regex_automata::{meta, util::syntax};

use super::{Comparison, Fact, Kind, Literal, When};

/// Deeper than any rule that a person writes, and far from the end of the stack.
const DEEPEST: u32 = 32;
/// The longest rule.
const LONGEST: usize = 4096;
/// The most memory that one regular expression may take.
const LARGEST_PATTERN: usize = 1 << 20;

/// Why a text is no rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseFailure {
    /// The byte at which it shows.
    pub at: usize,
    /// What is wrong.
    pub message: String,
    /// What could be meant.
    pub hint: Option<String>,
}

impl ParseFailure {
    fn new(at: usize, message: impl ToString) -> Self {
        Self { at, message: message.to_string(), hint: None }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Number(u64),
    Sign(&'static str),
    End,
}

/// Reads a whole rule.
pub(super) fn parse(text: &str) -> Result<When, ParseFailure> {
    if text.len() > LONGEST {
        return Err(ParseFailure::new(0, format!("a rule has at most {LONGEST} bytes")));
    }
    let mut reader = Reader { tokens: tokens(text)?, next: 0, depth: 0 };
    let rule = reader.either()?;
    match reader.peek() {
        (_, Token::End) => Ok(rule),
        (at, token) => Err(ParseFailure::new(at, format!("{} does not belong here", shown(&token)))),
    }
}

/// The tokens with their places.
fn tokens(text: &str) -> Result<Vec<(usize, Token)>, ParseFailure> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let at = text.len() - rest.len();
        let Some(first) = rest.chars().next() else {
            found.push((at, Token::End));
            return Ok(found);
        };
        let (token, length) = match first {
            '"' => quoted(at, rest)?,
            '0'..='9' => number(at, rest)?,
            'a'..='z' | 'A'..='Z' => word(rest),
            _ => sign(at, rest)?,
        };
        found.push((at, token));
        rest = &rest[length..];
    }
}

/// Text in double quotes; a backslash keeps a quote or a backslash.
fn quoted(at: usize, rest: &str) -> Result<(Token, usize), ParseFailure> {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => return Ok((Token::Text(text), place + 1)),
            '\\' => match characters.next() {
                Some((_, next @ ('"' | '\\'))) => text.push(next),
                Some((_, next)) => {
                    text.push('\\');
                    text.push(next);
                }
                None => break,
            },
            other => text.push(other),
        }
    }
    Err(ParseFailure::new(at, "the text has no closing quote"))
}

fn number(at: usize, rest: &str) -> Result<(Token, usize), ParseFailure> {
    let length = rest.find(|character: char| !character.is_ascii_alphanumeric()).unwrap_or(rest.len());
    let digits = rest[..length].find(|character: char| !character.is_ascii_digit()).unwrap_or(length);
    let factor: u64 = match &rest[digits..length] {
        "" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        other => {
            let message = format!("{other:?} is no unit; there are KiB, MiB, GiB and TiB");
            return Err(ParseFailure::new(at + digits, message));
        }
    };
    let value = rest[..digits].parse::<u64>().ok().and_then(|value| value.checked_mul(factor));
    let value = value.ok_or_else(|| ParseFailure::new(at, "the number is too large"))?;
    Ok((Token::Number(value), length))
}

fn word(rest: &str) -> (Token, usize) {
    let end = rest.find(|character: char| !character.is_ascii_alphanumeric() && character != '.');
    let word = rest[..end.unwrap_or(rest.len())].trim_end_matches('.');
    (Token::Word(word.into()), word.len())
}

fn sign(at: usize, rest: &str) -> Result<(Token, usize), ParseFailure> {
    let signs = ["==", "!=", "<=", ">=", "<", ">", "(", ")", "."];
    let found = signs.into_iter().find(|sign| rest.starts_with(sign));
    let found = found.ok_or_else(|| {
        let first: String = rest.chars().take(1).collect();
        ParseFailure::new(at, format!("{first:?} means nothing here"))
    })?;
    Ok((Token::Sign(found), found.len()))
}

fn shown(token: &Token) -> String {
    match token {
        Token::Word(word) => format!("`{word}`"),
        Token::Text(text) => format!("{text:?}"),
        Token::Number(number) => format!("`{number}`"),
        Token::Sign(sign) => format!("`{sign}`"),
        Token::End => "the end".into(),
    }
}

struct Reader {
    tokens: Vec<(usize, Token)>,
    next: usize,
    depth: u32,
}

impl Reader {
    fn peek(&self) -> (usize, Token) {
        self.tokens.get(self.next).or(self.tokens.last()).cloned().unwrap_or((0, Token::End))
    }

    fn take(&mut self) -> (usize, Token) {
        let token = self.peek();
        self.next += 1;
        token
    }

    /// Takes the next token if it is that word.
    fn takes(&mut self, word: &str) -> bool {
        let found = matches!(self.peek().1, Token::Word(next) if next == word);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &'static str) -> Result<(), ParseFailure> {
        match self.take() {
            (_, Token::Sign(found)) if found == sign => Ok(()),
            (at, token) => Err(ParseFailure::new(at, format!("`{sign}` is expected, not {}", shown(&token)))),
        }
    }

    fn either(&mut self) -> Result<When, ParseFailure> {
        let mut rule = self.both()?;
        while self.takes("or") {
            rule = When::Or(Box::new(rule), Box::new(self.both()?));
        }
        Ok(rule)
    }

    fn both(&mut self) -> Result<When, ParseFailure> {
        let mut rule = self.one()?;
        while self.takes("and") {
            rule = When::And(Box::new(rule), Box::new(self.one()?));
        }
        Ok(rule)
    }

    fn one(&mut self) -> Result<When, ParseFailure> {
        let (at, token) = self.peek();
        if self.depth >= DEEPEST {
            return Err(ParseFailure::new(at, format!("a rule is at most {DEEPEST} levels deep")));
        }
        self.depth += 1;
        let rule = match token {
            Token::Sign("(") => {
                self.next += 1;
                let inner = self.either()?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Word(word) if word == "not" => {
                self.next += 1;
                self.one().map(|inner| When::Not(Box::new(inner)))
            }
            Token::Text(text) => self.contained(text),
            Token::Word(_) => self.term(),
            other => Err(ParseFailure::new(at, format!("a fact is expected, not {}", shown(&other)))),
        };
        self.depth -= 1;
        rule
    }

    /// `"hevc" in gpu.decode`.
    fn contained(&mut self, text: String) -> Result<When, ParseFailure> {
        self.next += 1;
        if !self.takes("in") {
            let (at, token) = self.peek();
            return Err(ParseFailure::new(at, format!("`in` is expected after a text, not {}", shown(&token))));
        }
        let (at, fact) = self.fact()?;
        typed(at, &fact, Kind::List, "`in` asks")?;
        Ok(When::Contains(fact, text))
    }

    /// A fact alone, or against a value.
    fn term(&mut self) -> Result<When, ParseFailure> {
        let (at, fact) = self.fact()?;
        if self.takes("matches") {
            typed(at, &fact, Kind::Text, "`matches` asks")?;
            return self.pattern().map(|pattern| When::Matches(fact, pattern));
        }
        let comparison = match self.peek().1 {
            Token::Sign("==") => Comparison::Equal,
            Token::Sign("!=") => Comparison::Different,
            Token::Sign("<") => Comparison::Less,
            Token::Sign("<=") => Comparison::AtMost,
            Token::Sign(">") => Comparison::Greater,
            Token::Sign(">=") => Comparison::AtLeast,
            Token::Sign(_) | Token::Word(_) | Token::Text(_) | Token::Number(_) | Token::End => {
                typed(at, &fact, Kind::Truth, "alone it must be")?;
                return Ok(When::Is(fact));
            }
        };
        self.next += 1;
        let literal = self.literal(&fact)?;
        if fact.kind() != Kind::Number && !matches!(comparison, Comparison::Equal | Comparison::Different) {
            return Err(ParseFailure::new(at, format!("{} has no order; there are == and !=", fact.name())));
        }
        Ok(When::Compare(fact, comparison, literal))
    }

    fn pattern(&mut self) -> Result<String, ParseFailure> {
        let (at, token) = self.take();
        let Token::Text(pattern) = token else {
            return Err(ParseFailure::new(at, "a regular expression in double quotes is expected after `matches`"));
        };
        compiled(&pattern).map_err(|error| ParseFailure::new(at, format!("no regular expression: {error}")))?;
        Ok(pattern)
    }

    fn literal(&mut self, fact: &Fact) -> Result<Literal, ParseFailure> {
        let (at, token) = self.take();
        match (fact.kind(), token) {
            (Kind::Text, Token::Text(text)) => Ok(Literal::Text(text)),
            (Kind::Number, Token::Number(number)) => Ok(Literal::Number(number)),
            (Kind::Truth, Token::Word(word)) if word == "true" || word == "false" => Ok(Literal::Truth(word == "true")),
            (Kind::List, _) => {
                let message = format!("{} is a list: write \"VALUE\" in {}", fact.name(), fact.name());
                Err(ParseFailure::new(at, message))
            }
            (kind, token) => {
                let message = format!("{} is {}, {} is not", fact.name(), kind.word(), shown(&token));
                Err(ParseFailure::new(at, message))
            }
        }
    }

    /// `gpu.usable`, or `disk("/data").rotational`.
    fn fact(&mut self) -> Result<(usize, Fact), ParseFailure> {
        let (at, token) = self.take();
        let Token::Word(name) = token else {
            return Err(ParseFailure::new(at, format!("a fact is expected, not {}", shown(&token))));
        };
        if name == "disk" && self.peek().1 == Token::Sign("(") {
            return self.disk(at);
        }
        Fact::find(&name).map(|fact| (at, fact)).ok_or_else(|| ParseFailure {
            at,
            message: format!("there is no fact `{name}`"),
            hint: nearest(&name),
        })
    }

    fn disk(&mut self, at: usize) -> Result<(usize, Fact), ParseFailure> {
        self.expect("(")?;
        let (path_at, token) = self.take();
        let Token::Text(path) = token else {
            return Err(ParseFailure::new(path_at, "disk needs a path in double quotes, for instance disk(\"/data\")"));
        };
        if !path.starts_with('/') {
            return Err(ParseFailure::new(path_at, format!("{path:?} is no absolute path")));
        }
        self.expect(")")?;
        self.expect(".")?;
        let (field_at, field) = self.take();
        let found = match &field {
            Token::Word(field) => Fact::find_disk(&path, field),
            Token::Text(_) | Token::Number(_) | Token::Sign(_) | Token::End => None,
        };
        found.map(|fact| (at, fact)).ok_or_else(|| {
            ParseFailure::new(
                field_at,
                format!("{} is no fact of a disk; there are rotational, kind and size", shown(&field)),
            )
        })
    }
}

/// A regular expression that is bounded in size; matching takes time linear in the text.
pub(super) fn compiled(pattern: &str) -> Result<meta::Regex, String> {
    let configuration = meta::Regex::config().nfa_size_limit(Some(LARGEST_PATTERN));
    let built =
        meta::Builder::new().configure(configuration).syntax(syntax::Config::new().nest_limit(64)).build(pattern);
    built.map_err(|error| error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string))
}

fn typed(at: usize, fact: &Fact, kind: Kind, why: &str) -> Result<(), ParseFailure> {
    if fact.kind() == kind {
        return Ok(());
    }
    let message = format!("{} is {}; {why} {}", fact.name(), fact.kind().word(), kind.word());
    Err(ParseFailure::new(at, message))
}

/// The known fact that shares its first or its last part.
fn nearest(name: &str) -> Option<String> {
    let part = |name: &str| name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase();
    let names = || Fact::TABLE.iter().map(|(known, _, _)| *known);
    let found = names()
        .find(|known| part(known) == part(name))
        .or_else(|| names().find(|known| known.split('.').next() == name.split('.').next()));
    found.map(|known| format!("did you mean `{known}`?"))
}
