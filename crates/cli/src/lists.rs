//! Flags that take several values, separated by commas.

/// Splits `a=1,b=2` at its commas. If a part has no `=`, the text stays whole: its commas belong to
/// a value.
pub fn pairs_of(text: &str) -> Vec<&str> {
    let pairs: Vec<&str> = text.split(',').map(str::trim).collect();
    if pairs.iter().all(|pair| pair.contains('=')) { pairs } else { vec![text] }
}

/// Parses an entry of a list: trims spaces and rejects an empty entry.
pub fn trimmed(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("an entry of the list is empty"),
        word => Ok(word.to_string()),
    }
}

/// Parses a learning rate. A decimal comma in a list leaves a 0, which is refused here.
pub fn rate(text: &str) -> Result<f64, &'static str> {
    let rate = text.trim().parse().ok().filter(|rate: &f64| *rate > 0.0 && rate.is_finite());
    rate.ok_or("expected a number above 0, such as 1e-3")
}
