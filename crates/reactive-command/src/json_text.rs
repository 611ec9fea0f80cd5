//! JSON as Python's `json` writes it with nothing said, so that rows are alike whoever has written them.

use std::fmt::Write;

use serde_json::{json, Value};

/// The text of a value: a space after each comma and colon, and nothing but ASCII.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(text_of).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(entries) => {
            let entry = |(key, value): (&String, &Value)| {
                format!("{}: {}", text_of(&json!(key)), text_of(value))
            };
            let entries: Vec<String> = entries.iter().map(entry).collect();
            format!("{{{}}}", entries.join(", "))
        }
        other => ascii(&other.to_string()),
    }
}

/// A text in JSON, in which what is not printable ASCII stands in strings alone.
fn ascii(text: &str) -> String {
    let mut found = String::with_capacity(text.len());
    let mut units = [0; 2];
    for character in text.chars() {
        if (' '..='~').contains(&character) {
            found.push(character);
        } else {
            for unit in character.encode_utf16(&mut units) {
                let _ = write!(found, "\\u{unit:04x}");
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::text_of;
    use serde_json::json;

    #[test]
    fn as_python_writes_it() {
        let value = json!({"a": [1, true, null, "it's \u{e9}\u{7f}"], "\u{1f600}": {}, "b": [], "c\n": "\u{1}\""});
        let expected = r#"{"a": [1, true, null, "it's \u00e9\u007f"], "b": [], "c\n": "\u0001\"", "\ud83d\ude00": {}}"#;
        assert_eq!(text_of(&value), expected);
    }
}
