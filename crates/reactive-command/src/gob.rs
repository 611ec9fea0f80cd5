//! gob, the encoding in which the Juju agent is asked: the part of it that Go's `net/rpc` needs.
//!
//! A connection carries messages, each a length and so many bytes, which define a type or are a
//! value of one. What is encoded here are the two structs of a call; what is decoded is any value
//! of types that the other side has defined, because agents of different versions define theirs
//! with other fields, and in another order. `_juju/gob.py` is the same in Python.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Read};

/// Types that gob has by itself.
mod kind {
    pub(super) const BOOL: i64 = 1;
    pub(super) const INT: i64 = 2;
    pub(super) const UINT: i64 = 3;
    pub(super) const FLOAT: i64 = 4;
    pub(super) const BYTES: i64 = 5;
    pub(super) const STRING: i64 = 6;
    pub(super) const COMPLEX: i64 = 7;
    pub(super) const INTERFACE: i64 = 8;
}

/// Go's own limit, of a message and of what is in it.
const LONGEST: u64 = 1 << 30;

/// How deep values may lie in others.
const DEEPEST: u32 = 64;

/// Of types that one side defines; the agent has five.
const MOST_TYPES: usize = 1000;

/// Of values in one message: each takes far more room here than in the message.
const MOST_VALUES: u32 = 1 << 18;

/// What was received is not gob, or could not be received.
#[derive(Debug)]
pub(crate) enum GobError {
    /// No more came, or only a part.
    Ended,
    /// Reading failed.
    Read(io::Error),
    /// It is not gob, or goes beyond what can be taken.
    Malformed(String),
}

impl fmt::Display for GobError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended => write!(formatter, "the agent has closed the connection"),
            Self::Read(error) => write!(formatter, "{error}"),
            Self::Malformed(reason) => write!(formatter, "the answer cannot be read: {reason}"),
        }
    }
}

impl From<io::Error> for GobError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            Self::Ended
        } else {
            Self::Read(error)
        }
    }
}

fn malformed<T>(reason: impl Into<String>) -> Result<T, GobError> {
    Err(GobError::Malformed(reason.into()))
}

// -- encoding -----------------------------------------------------------------------------------

fn put_unsigned(to: &mut Vec<u8>, number: u64) {
    match u8::try_from(number) {
        Ok(small) if small < 128 => to.push(small),
        _ => {
            let bytes = number.to_be_bytes();
            let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
            let digits = bytes.get(zeros..).unwrap_or(&[]);
            // From 255 for one byte down to 248 for eight.
            to.push(u8::MAX - 7 + u8::try_from(zeros).unwrap_or(7));
            to.extend_from_slice(digits);
        }
    }
}

fn put_signed(to: &mut Vec<u8>, number: i64) {
    // The sign goes into the lowest bit, and the others are turned with it.
    put_unsigned(to, u64::from_ne_bytes(((number << 1) ^ (number >> 63)).to_ne_bytes()));
}

fn put_text(to: &mut Vec<u8>, text: &[u8]) {
    put_unsigned(to, text.len() as u64);
    to.extend_from_slice(text);
}

fn put_message(to: &mut Vec<u8>, body: &[u8]) {
    put_text(to, body);
}

/// The numbers by which the types of a call are known to the other side.
const CALL: i64 = 65;
const COMMAND: i64 = 66;
const WORDS: i64 = 67;

const CALL_FIELDS: [(&str, i64); 2] = [("ServiceMethod", kind::STRING), ("Seq", kind::UINT)];
const COMMAND_FIELDS: [(&str, i64); 7] = [
    ("ContextId", kind::STRING),
    ("Dir", kind::STRING),
    ("CommandName", kind::STRING),
    ("Args", WORDS),
    ("StdinSet", kind::BOOL),
    ("Stdin", kind::BYTES),
    ("Token", kind::STRING),
];

fn put_struct_type(to: &mut Vec<u8>, number: i64, fields: &[(&str, i64)]) {
    let mut body = Vec::new();
    put_signed(&mut body, -number);
    // wireType.StructT.CommonType.Name, and its Id.
    body.extend_from_slice(&[3, 1, 1]);
    put_text(&mut body, b"Request");
    body.push(1);
    put_signed(&mut body, number);
    body.extend_from_slice(&[0, 1]);
    put_unsigned(&mut body, fields.len() as u64);
    for (name, kind) in fields {
        body.push(1);
        put_text(&mut body, name.as_bytes());
        body.push(1);
        put_signed(&mut body, *kind);
        body.push(0);
    }
    body.extend_from_slice(&[0, 0]);
    put_message(to, &body);
}

fn put_words_type(to: &mut Vec<u8>) {
    let mut body = Vec::new();
    put_signed(&mut body, -WORDS);
    // wireType.SliceT.CommonType.Id, and the type of the elements.
    body.extend_from_slice(&[2, 1, 2]);
    put_signed(&mut body, WORDS);
    body.extend_from_slice(&[0, 1]);
    put_signed(&mut body, kind::STRING);
    body.extend_from_slice(&[0, 0]);
    put_message(to, &body);
}

/// What a hook tool asks of the agent; Juju's `jujuc.Request`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Command {
    pub(crate) context: Vec<u8>,
    pub(crate) directory: Vec<u8>,
    pub(crate) tool: Vec<u8>,
    pub(crate) arguments: Vec<Vec<u8>>,
    /// `None` where nothing was read from stdin.
    pub(crate) stdin: Option<Vec<u8>>,
    pub(crate) token: Vec<u8>,
}

/// The bytes of one call; with the definitions of its types if it is the connection's first.
pub(crate) fn call(sequence: u64, method: &[u8], command: &Command, first: bool) -> Vec<u8> {
    let mut to = Vec::new();
    if first {
        put_struct_type(&mut to, CALL, &CALL_FIELDS);
    }
    let mut fields = Fields::new(CALL);
    fields.text(method);
    fields.number(sequence);
    fields.end(&mut to);
    if first {
        put_struct_type(&mut to, COMMAND, &COMMAND_FIELDS);
        put_words_type(&mut to);
    }
    let mut fields = Fields::new(COMMAND);
    fields.text(&command.context);
    fields.text(&command.directory);
    fields.text(&command.tool);
    fields.list(&command.arguments);
    fields.number(u64::from(command.stdin.is_some()));
    fields.text(command.stdin.as_deref().unwrap_or(&[]));
    fields.text(&command.token);
    fields.end(&mut to);
    to
}

/// A value of a struct that is written field by field; those that are zero are left out.
struct Fields {
    body: Vec<u8>,
    skipped: u64,
}

impl Fields {
    fn new(number: i64) -> Self {
        let mut body = Vec::new();
        put_signed(&mut body, number);
        Self { body, skipped: 0 }
    }

    fn next(&mut self, is_zero: bool) -> bool {
        self.skipped += 1;
        if !is_zero {
            put_unsigned(&mut self.body, self.skipped);
            self.skipped = 0;
        }
        !is_zero
    }

    fn text(&mut self, text: &[u8]) {
        if self.next(text.is_empty()) {
            put_text(&mut self.body, text);
        }
    }

    fn number(&mut self, number: u64) {
        if self.next(number == 0) {
            put_unsigned(&mut self.body, number);
        }
    }

    fn list(&mut self, words: &[Vec<u8>]) {
        if self.next(words.is_empty()) {
            put_unsigned(&mut self.body, words.len() as u64);
            for word in words {
                put_text(&mut self.body, word);
            }
        }
    }

    fn end(mut self, to: &mut Vec<u8>) {
        self.body.push(0);
        put_message(to, &self.body);
    }
}

// -- decoding -----------------------------------------------------------------------------------

/// A value of any type; what nobody here needs is `Nothing`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Nothing,
    Unsigned(u64),
    Signed(i64),
    Text(Vec<u8>),
    List(Vec<Value>),
    Struct(Struct),
}

/// The fields of a struct that are not zero, by name.
pub(crate) type Struct = HashMap<String, Value>;

#[derive(Clone, Debug)]
enum Type {
    Struct(Vec<(String, i64)>),
    List(i64),
    Map(i64, i64),
    Opaque,
}

/// What definitions of types are made of, under numbers that no sender can choose.
mod wire {
    pub(super) const TYPE: i64 = -1;
    pub(super) const ARRAY: i64 = -2;
    pub(super) const COMMON: i64 = -3;
    pub(super) const SLICE: i64 = -4;
    pub(super) const STRUCT: i64 = -5;
    pub(super) const FIELD: i64 = -6;
    pub(super) const FIELDS: i64 = -7;
    pub(super) const MAP: i64 = -8;
    pub(super) const OPAQUE: i64 = -9;
}

fn first_types() -> HashMap<i64, Type> {
    let a_struct = |fields: &[(&str, i64)]| {
        Type::Struct(fields.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect())
    };
    HashMap::from([
        (
            wire::TYPE,
            a_struct(&[
                ("ArrayT", wire::ARRAY),
                ("SliceT", wire::SLICE),
                ("StructT", wire::STRUCT),
                ("MapT", wire::MAP),
                ("GobEncoderT", wire::OPAQUE),
                ("BinaryMarshalerT", wire::OPAQUE),
                ("TextMarshalerT", wire::OPAQUE),
            ]),
        ),
        (
            wire::ARRAY,
            a_struct(&[("CommonType", wire::COMMON), ("Elem", kind::INT), ("Len", kind::INT)]),
        ),
        (wire::COMMON, a_struct(&[("Name", kind::STRING), ("Id", kind::INT)])),
        (wire::SLICE, a_struct(&[("CommonType", wire::COMMON), ("Elem", kind::INT)])),
        (wire::STRUCT, a_struct(&[("CommonType", wire::COMMON), ("Field", wire::FIELDS)])),
        (wire::FIELD, a_struct(&[("Name", kind::STRING), ("Id", kind::INT)])),
        (wire::FIELDS, Type::List(wire::FIELD)),
        (
            wire::MAP,
            a_struct(&[("CommonType", wire::COMMON), ("Key", kind::INT), ("Elem", kind::INT)]),
        ),
        (wire::OPAQUE, a_struct(&[("CommonType", wire::COMMON)])),
    ])
}

/// What the other side of a connection sends.
pub(crate) struct Decoder<R> {
    from: R,
    types: HashMap<i64, Type>,
}

impl<R: Read> Decoder<R> {
    pub(crate) fn new(from: R) -> Self {
        Self { from, types: first_types() }
    }

    /// The next struct.
    pub(crate) fn decode(&mut self) -> Result<Struct, GobError> {
        loop {
            let data = self.message()?;
            let mut message = Message { data: &data, types: &self.types, values: 0 };
            let number = message.signed()?;
            if number < 0 {
                let Value::Struct(definition) = message.value(wire::TYPE, 0)? else {
                    return malformed("a definition of nothing");
                };
                message.end()?;
                // Negative numbers reach one further than positive ones.
                let Some(number) = number.checked_neg() else {
                    return malformed("a type without a number");
                };
                self.define(number, definition)?;
                continue;
            }
            if !matches!(self.types.get(&number), Some(Type::Struct(_))) {
                return malformed(format!("a value of type {number}, which is no struct"));
            }
            let value = message.value(number, 0)?;
            message.end()?;
            let Value::Struct(fields) = value else {
                return malformed("a value that is no struct");
            };
            return Ok(fields);
        }
    }

    /// The bytes of the next message. No more is held than has come.
    fn message(&mut self) -> Result<Vec<u8>, GobError> {
        let mut first = [0];
        self.from.read_exact(&mut first)?;
        let length = match first[0] {
            small @ 0..=127 => u64::from(small),
            size => {
                let mut digits = [0; 8];
                let count = usize::from(u8::MAX - size) + 1;
                let Some(place) = 8_usize.checked_sub(count).and_then(|at| digits.get_mut(at..))
                else {
                    return malformed(format!("a length of {count} bytes"));
                };
                self.from.read_exact(place)?;
                u64::from_be_bytes(digits)
            }
        };
        if length > LONGEST {
            return malformed(format!("a message of {length} bytes"));
        }
        let mut data = Vec::new();
        let read = self.from.by_ref().take(length).read_to_end(&mut data)?;
        if read as u64 == length {
            Ok(data)
        } else {
            Err(GobError::Ended)
        }
    }

    /// Notes a type that the other side has defined.
    fn define(&mut self, number: i64, definition: Struct) -> Result<(), GobError> {
        if number <= kind::INTERFACE || self.types.contains_key(&number) {
            return malformed(format!("type {number} is defined twice"));
        }
        if self.types.len() > MOST_TYPES {
            return malformed("too many types");
        }
        let mut forms = definition.into_iter();
        let (Some((form, Value::Struct(body))), None) = (forms.next(), forms.next()) else {
            return malformed(format!("type {number} is not of one kind"));
        };
        let reference = |name: &str| match body.get(name) {
            Some(Value::Signed(number)) => *number,
            _ => 0,
        };
        let known = match form.as_str() {
            "StructT" => Type::Struct(fields_of(&body)),
            "MapT" => Type::Map(reference("Key"), reference("Elem")),
            "ArrayT" | "SliceT" => Type::List(reference("Elem")),
            _ => Type::Opaque,
        };
        self.types.insert(number, known);
        Ok(())
    }
}

/// The fields that a definition of a struct names, with their types.
fn fields_of(body: &Struct) -> Vec<(String, i64)> {
    let Some(Value::List(fields)) = body.get("Field") else {
        return Vec::new();
    };
    let field = |value: &Value| match value {
        Value::Struct(field) => {
            let name = match field.get("Name") {
                Some(Value::Text(name)) => String::from_utf8_lossy(name).into_owned(),
                _ => String::new(),
            };
            match field.get("Id") {
                Some(Value::Signed(kind)) => (name, *kind),
                _ => (name, 0),
            }
        }
        _ => (String::new(), 0),
    };
    fields.iter().map(field).collect()
}

/// One message, while it is read.
struct Message<'a> {
    data: &'a [u8],
    types: &'a HashMap<i64, Type>,
    values: u32,
}

impl Message<'_> {
    fn end(&self) -> Result<(), GobError> {
        if self.data.is_empty() {
            Ok(())
        } else {
            malformed(format!("{} bytes too many in a message", self.data.len()))
        }
    }

    fn take(&mut self, size: u64) -> Result<&[u8], GobError> {
        let found = usize::try_from(size).ok().and_then(|size| self.data.split_at_checked(size));
        match found {
            Some((taken, left)) => {
                self.data = left;
                Ok(taken)
            }
            None => malformed("a message ends too early"),
        }
    }

    fn unsigned(&mut self) -> Result<u64, GobError> {
        match self.take(1)?.first() {
            Some(&small) if small < 128 => Ok(u64::from(small)),
            Some(&size) => {
                let count = u64::from(u8::MAX - size) + 1;
                if count > 8 {
                    return malformed(format!("a number of {count} bytes"));
                }
                let digits = self.take(count)?;
                Ok(digits.iter().fold(0, |number, &digit| number << 8 | u64::from(digit)))
            }
            None => malformed("a message ends too early"),
        }
    }

    fn signed(&mut self) -> Result<i64, GobError> {
        let number = self.unsigned()?;
        let half = i64::from_ne_bytes((number >> 1).to_ne_bytes());
        Ok(if number & 1 == 1 { !half } else { half })
    }

    fn text(&mut self) -> Result<&[u8], GobError> {
        let length = self.unsigned()?;
        self.take(length)
    }

    /// How many elements follow, each of which takes a byte at least.
    fn count(&mut self) -> Result<u64, GobError> {
        let count = self.unsigned()?;
        if count > self.data.len() as u64 {
            return malformed(format!("a message ends within a list of {count} elements"));
        }
        Ok(count)
    }

    fn value(&mut self, kind: i64, depth: u32) -> Result<Value, GobError> {
        self.values += 1;
        if self.values > MOST_VALUES {
            return malformed(format!("more than {MOST_VALUES} values in a message"));
        }
        Ok(match kind {
            kind::BYTES | kind::STRING => Value::Text(self.text()?.to_vec()),
            kind::INT => Value::Signed(self.signed()?),
            kind::UINT | kind::BOOL => Value::Unsigned(self.unsigned()?),
            kind::FLOAT => {
                self.unsigned()?;
                Value::Nothing
            }
            kind::COMPLEX => {
                self.unsigned()?;
                self.unsigned()?;
                Value::Nothing
            }
            kind::INTERFACE => {
                if !self.text()?.is_empty() {
                    self.signed()?;
                    self.text()?;
                }
                Value::Nothing
            }
            _ => self.defined(kind, depth)?,
        })
    }

    /// A value of a type that the other side has defined.
    fn defined(&mut self, kind: i64, depth: u32) -> Result<Value, GobError> {
        let types = self.types;
        let Some(known) = types.get(&kind) else {
            return malformed(format!("type {kind}, which nobody has defined"));
        };
        if depth == DEEPEST {
            return malformed(format!("a value in more than {DEEPEST} others"));
        }
        let depth = depth + 1;
        match known {
            Type::Struct(fields) => self.fields(fields, depth),
            Type::List(element) => {
                let mut found = Vec::new();
                for _ in 0..self.count()? {
                    found.push(self.value(*element, depth)?);
                }
                Ok(Value::List(found))
            }
            Type::Map(key, element) => {
                for _ in 0..self.count()? {
                    self.value(*key, depth)?;
                    self.value(*element, depth)?;
                }
                Ok(Value::Nothing)
            }
            Type::Opaque => {
                self.text()?;
                Ok(Value::Nothing)
            }
        }
    }

    fn fields(&mut self, fields: &[(String, i64)], depth: u32) -> Result<Value, GobError> {
        let mut found = Struct::new();
        let mut left = fields.iter();
        loop {
            let delta = self.unsigned()?;
            if delta == 0 {
                return Ok(Value::Struct(found));
            }
            let next = usize::try_from(delta - 1).ok().and_then(|skipped| left.nth(skipped));
            let Some((name, kind)) = next else {
                return malformed(format!("a field that a struct of {} has not got", fields.len()));
            };
            let value = self.value(*kind, depth)?;
            found.insert(name.clone(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

    use std::io::Cursor;

    use super::*;

    /// What Go's own encoder has made; `tests/agent/vectors` is the program that wrote it.
    const VECTORS: &str = include_str!("../../../tests/agent/vectors.txt");

    fn vector(name: &str) -> Vec<u8> {
        let line = VECTORS.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let digits = line.expect("there is a vector of that name");
        (0..digits.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal digits"))
            .collect()
    }

    fn decoded(bytes: Vec<u8>) -> Vec<Struct> {
        let mut decoder = Decoder::new(Cursor::new(bytes));
        std::iter::from_fn(|| match decoder.decode() {
            Ok(fields) => Some(fields),
            Err(GobError::Ended) => None,
            Err(error) => panic!("{error}"),
        })
        .collect()
    }

    fn fields(fields: &[(&str, Value)]) -> Struct {
        fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    fn text(text: &str) -> Value {
        Value::Text(text.as_bytes().to_vec())
    }

    fn header(sequence: u64) -> Struct {
        fields(&[("ServiceMethod", text("Jujuc.Main")), ("Seq", Value::Unsigned(sequence))])
    }

    #[test]
    fn what_go_encodes_is_decoded() {
        let result = fields(&[("Stdout", text("80\n"))]);
        assert_eq!(decoded(vector("result")), [header(1), result]);
        let code = fields(&[
            ("Code", Value::Signed(-1)),
            ("Stdout", Value::Text(vec![0, 255])),
            ("Stderr", Value::Text(vec![b'e'; 300])),
        ]);
        assert_eq!(decoded(vector("code")), [header(128), code]);
        let mut error = header(70000);
        error.insert("Error".to_owned(), text("bad request: ä"));
        assert_eq!(decoded(vector("error")), [error, Struct::new()]);
        assert_eq!(decoded(vector("nothing")), [Struct::new(), Struct::new()]);
        assert_eq!(decoded(vector("twice")).len(), 4);
    }

    #[test]
    fn what_a_newer_agent_adds_is_skipped() {
        let values = decoded(vector("newer"));
        assert_eq!(values[0], header(1));
        let newer = &values[1];
        assert_eq!(newer.get("Code"), Some(&Value::Signed(i64::MIN)));
        assert_eq!(newer.get("Most"), Some(&Value::Unsigned(u64::MAX)));
        assert_eq!(newer.get("Stdout"), Some(&text("out")));
        assert_eq!(newer.get("Stderr"), Some(&text("e")));
        assert_eq!(newer.get("Warnings"), Some(&Value::List(vec![text("old"), text("")])));
        for skipped in ["Spent", "Labels", "Began", "Any", "Wave"] {
            assert_eq!(newer.get(skipped), Some(&Value::Nothing), "{skipped}");
        }
    }

    #[test]
    fn a_call_is_what_the_decoder_reads() {
        let command = Command {
            context: b"app/0-start-1".to_vec(),
            directory: b"/".to_vec(),
            tool: b"relation-set".to_vec(),
            arguments: vec![b"a=b".to_vec(), Vec::new(), vec![0, 255]],
            stdin: Some(vec![b'x'; 70000]),
            token: Vec::new(),
        };
        let mut bytes = call(1, b"Jujuc.Main", &command, true);
        bytes.extend(call(300, b"Jujuc.Main", &Command { stdin: None, ..command }, false));
        let values = decoded(bytes);
        assert_eq!(values[0], header(1));
        let mut expected = fields(&[
            ("ContextId", text("app/0-start-1")),
            ("Dir", text("/")),
            ("CommandName", text("relation-set")),
            ("Args", Value::List(vec![text("a=b"), text(""), Value::Text(vec![0, 255])])),
            ("StdinSet", Value::Unsigned(1)),
            ("Stdin", Value::Text(vec![b'x'; 70000])),
        ]);
        assert_eq!(values[1], expected);
        assert_eq!(values[2], header(300));
        expected.remove("StdinSet");
        expected.remove("Stdin");
        assert_eq!(values[3], expected);
    }

    #[test]
    fn a_message_that_does_not_come_takes_no_room() {
        // Its length says one GiB; one byte comes.
        let error = Decoder::new(Cursor::new(vec![252, 0x40, 0, 0, 0, 1])).decode();
        assert!(matches!(error, Err(GobError::Ended)));
        let error = Decoder::new(Cursor::new(vec![252, 0x40, 0, 0, 1, 1])).decode();
        assert!(matches!(error, Err(GobError::Malformed(_))));
    }

    /// Numbers that look random, the same in every run.
    struct Random(u64);

    impl Random {
        fn below(&mut self, limit: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            usize::try_from(self.0 >> 11).expect("53 bits") % limit
        }

        fn byte(&mut self) -> u8 {
            u8::try_from(self.below(256)).expect("one byte")
        }
    }

    #[test]
    fn whatever_comes_is_decoded_or_refused() {
        let vectors: Vec<Vec<u8>> =
            ["result", "code", "error", "nothing", "twice", "newer"].map(vector).to_vec();
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let (mut refused, mut taken) = (0, 0);
        for round in 0..200_000 {
            let mut bytes = if round % 4 == 0 {
                (0..random.below(64)).map(|_| random.byte()).collect()
            } else {
                let mut bytes = vectors[random.below(vectors.len())].clone();
                for _ in 0..=random.below(4) {
                    let at = random.below(bytes.len());
                    bytes[at] = random.byte();
                }
                bytes
            };
            if round % 8 == 1 {
                bytes.truncate(random.below(bytes.len() + 1));
            }
            let mut decoder = Decoder::new(Cursor::new(bytes));
            loop {
                match decoder.decode() {
                    Ok(_) => taken += 1,
                    Err(_) => break refused += 1,
                }
            }
        }
        assert!(refused == 200_000 && taken > 10_000, "{refused} {taken}");
    }
}
