//! Words as a POSIX shell quotes them, without its expansions and comments.

/// The words of a line; `None` for a quotation or an escape without an end.
pub(crate) fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_with(String::new);
                loop {
                    match characters.next()? {
                        '\'' => break,
                        other => word.push(other),
                    }
                }
            }
            '"' => quoted(&mut characters, word.get_or_insert_with(String::new))?,
            '\\' => word.get_or_insert_with(String::new).push(characters.next()?),
            other => word.get_or_insert_with(String::new).push(other),
        }
    }
    words.extend(word);
    Some(words)
}

/// The rest of a quotation in double quotes, in which a backslash protects only itself and the quote.
fn quoted(characters: &mut impl Iterator<Item = char>, word: &mut String) -> Option<()> {
    loop {
        match characters.next()? {
            '"' => return Some(()),
            '\\' => {
                let protected = characters.next()?;
                if !matches!(protected, '"' | '\\') {
                    word.push('\\');
                }
                word.push(protected);
            }
            other => word.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn quotes_and_escapes() {
        for (line, words) in [
            ("", &[][..]),
            (" a  b\tc\n", &["a", "b", "c"]),
            ("'a b'\"c d\"e", &["a bc de"]),
            ("'' \"\"", &["", ""]),
            ("a\\ b '\\'", &["a b", "\\"]),
            ("\"\\\"\\\\\\x\"", &["\"\\\\x"]),
            ("#a b#c", &["#a", "b#c"]),
            ("'it'\\''s'", &["it's"]),
        ] {
            assert_eq!(split(line).as_deref().unwrap_or_default(), words, "{line}");
        }
        for line in ["'", "\"", "\"\\\"", "a\\", "'a' \"b"] {
            assert_eq!(split(line), None, "{line}");
        }
    }
}
