//! Flags that take several values with commas between them.

/// Splits `a=1,b=2` at its commas. A text in which not every part has a `=` stays whole: its commas belong to a value.
pub fn pairs_of(text: &str) -> Vec<&str> {
    let pairs: Vec<&str> = text.split(',').map(str::trim).collect();
    if pairs.iter().all(|pair| pair.contains('=')) { pairs } else { vec![text] }
}

/// Parses an entry of a list: not empty, without the spaces around it.
pub fn trimmed(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("an entry of the list is empty"),
        word => Ok(word.to_string()),
    }
}
