//! Sections drawn at random: their bytes, and the JSON that they must become.

use coord_model::{SectionKind, json_name};
use serde_json::{Map, Value, json};

use crate::schema::{self, Field, Kind, Schema};

/// The longest list that is drawn.
const MOST_ROWS: usize = 3;

/// Where the choices come from; nothing left means the smallest choice.
pub(crate) struct Entropy {
    bytes: Vec<u8>,
    place: usize,
    full: bool,
}

impl Entropy {
    /// From bytes that proptest drew.
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, place: 0, full: false }
    }

    /// Every field is there.
    pub(crate) fn full() -> Self {
        Self { bytes: Vec::new(), place: 0, full: true }
    }

    fn byte(&mut self) -> u8 {
        let byte = self.bytes.get(self.place).copied().unwrap_or(0);
        self.place += 1;
        byte
    }

    fn number(&mut self) -> u64 {
        let width = self.byte() % 9;
        (0..width).fold(0, |number, _| number << 8 | u64::from(self.byte()))
    }

    fn yes(&mut self) -> bool {
        self.full || self.byte() % 2 == 1
    }

    fn rows(&mut self) -> usize {
        if self.full { 1 } else { usize::from(self.byte()) % (MOST_ROWS + 1) }
    }

    fn text(&mut self) -> String {
        const ALPHABET: [char; 12] =
            ['a', 'Z', '0', ' ', '/', '"', '\\', 'é', '漢', '\u{1f600}', '\u{202e}', '\u{200b}'];
        let length = self.byte() % 12;
        (0..length).map(|_| ALPHABET[usize::from(self.byte()) % ALPHABET.len()]).collect()
    }
}

/// One section of `kind`: its bytes and its JSON.
pub(crate) fn section(schema: &Schema, kind: SectionKind, entropy: &mut Entropy) -> (Vec<u8>, Value) {
    let (facts, told) = message(schema, &schema.facts_of(kind), entropy);
    (schema.section(kind, &facts), json!({ "source": "test", "ageSeconds": 0.0, "facts": told }))
}

fn message(schema: &Schema, name: &str, entropy: &mut Entropy) -> (Vec<u8>, Value) {
    let (mut bytes, mut told, mut reasons) = (Vec::new(), Map::new(), Map::new());
    let fields = &schema.messages[name];
    for field in fields.iter().filter(|field| field.kind != Kind::Unknowns) {
        let key = json_name(&field.name);
        if field.repeated && (entropy.full || !entropy.byte().is_multiple_of(4)) {
            let rows = (0..entropy.rows()).map(|_| value(schema, field, entropy)).collect::<Vec<_>>();
            rows.iter().for_each(|(row, _)| bytes.extend(row));
            told.insert(key, rows.into_iter().map(|(_, row)| row).collect());
        } else if !field.repeated && entropy.yes() {
            let (row, value) = value(schema, field, entropy);
            bytes.extend(row);
            told.insert(key, value);
        } else if field.repeated || entropy.yes() {
            reasons.insert(key, reason(schema, entropy));
        }
    }
    let number = fields.iter().find(|field| field.kind == Kind::Unknowns).expect("reasons").number;
    for (key, reason) in &reasons {
        let (state, text) = (reason["state"].as_str().expect("a word"), reason["message"].as_str().unwrap_or_default());
        let states = &schema.words["ValueState"];
        let state = states.iter().find(|(_, word)| word == state).expect("a state").0;
        let value = [schema::varint(1, u64::from(state)), schema::text(2, text)].concat();
        bytes.extend(schema::bytes(number, &[schema::text(1, key), schema::bytes(2, &value)].concat()));
    }
    if !reasons.is_empty() {
        told.insert("unknown".into(), reasons.into());
    }
    (bytes, told.into())
}

fn reason(schema: &Schema, entropy: &mut Entropy) -> Value {
    let states = &schema.words["ValueState"];
    let state = &states[usize::from(entropy.byte()) % states.len()].1;
    match entropy.text() {
        empty if empty.is_empty() => json!({ "state": state }),
        message => json!({ "state": state, "message": message }),
    }
}

fn value(schema: &Schema, field: &Field, entropy: &mut Entropy) -> (Vec<u8>, Value) {
    match &field.kind {
        Kind::Text => {
            let text = entropy.text();
            (schema::text(field.number, &text), text.into())
        }
        Kind::Double => {
            let number = f64::from_bits(entropy.number());
            let number = if number.is_finite() { number } else { 0.5 };
            (schema::double(field.number, number), number.into())
        }
        Kind::Bool => {
            let yes = entropy.byte() % 2 == 1;
            (schema::varint(field.number, u64::from(yes)), yes.into())
        }
        Kind::Number(bits) => {
            let number = entropy.number() & (u64::MAX >> (64 - bits));
            (schema::varint(field.number, number), number.into())
        }
        Kind::Named(name) => match schema.words.get(name) {
            Some(words) => word(field, words, entropy),
            None => {
                let (bytes, told) = message(schema, name, entropy);
                (schema::bytes(field.number, &bytes), told)
            }
        },
        Kind::Unknowns => unreachable!("reasons are written by their message"),
    }
}

/// A word that this version knows, or a number that only another one does.
fn word(field: &Field, words: &[(u32, String)], entropy: &mut Entropy) -> (Vec<u8>, Value) {
    let place = usize::from(entropy.byte()) % (words.len() + 1);
    let (number, text) = words.get(place).cloned().unwrap_or_else(|| (9999, "unrecognised-9999".into()));
    (schema::varint(field.number, u64::from(number)), text.into())
}
