//! Numbers and lists as people type them: with spaces, and in many countries with a decimal comma.

use std::convert::Infallible;
use std::str::FromStr;

/// What a flag may take as a number.
pub trait Numeric: FromStr {
    /// What is said to have been expected.
    const EXPECTED: &str;
}

impl Numeric for f64 {
    const EXPECTED: &str = "a number such as 0.001";
}

impl Numeric for f32 {
    const EXPECTED: &str = "a number such as 0.485";
}

impl Numeric for u32 {
    const EXPECTED: &str = "a whole number such as 42";
}

/// A number, with or without spaces around it.
pub fn number<T: Numeric>(text: &str) -> Result<T, String> {
    let text = text.trim();
    text.parse().map_err(|_| {
        let pointed = text.replacen(',', ".", 1);
        match text.contains(',') && pointed.parse::<T>().is_ok() {
            true => format!("a decimal point, not a comma: {pointed}"),
            false => format!("expected {}", T::EXPECTED),
        }
    })
}

/// An entry of a list, without the spaces around it.
pub fn trimmed(text: &str) -> Result<String, Infallible> {
    Ok(text.trim().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_typed() {
        assert_eq!(number::<u32>(" 43"), Ok(43));
        assert_eq!(number::<f64>("1e-3 "), Ok(0.001));
        assert_eq!(number::<f64>("0,001"), Err("a decimal point, not a comma: 0.001".into()));
        assert_eq!(number::<f64>("fast"), Err("expected a number such as 0.001".into()));
        assert_eq!(number::<u32>("4.5"), Err("expected a whole number such as 42".into()));
    }
}
