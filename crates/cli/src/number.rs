//! Numbers and lists as people type them: with spaces, and in many countries with a decimal comma.

use std::str::FromStr;

use bytesize::ByteSize;

/// What a flag may take as a number.
pub trait Numeric: FromStr {
    /// What is said to have been expected.
    const EXPECTED: &str;
    /// Whether it may have digits after a point.
    const HAS_FRACTIONS: bool;
    /// The largest that can be said, where one can be too large.
    const MOST: Option<u64> = None;
}

impl Numeric for f64 {
    const EXPECTED: &str = "a number such as 0.001";
    const HAS_FRACTIONS: bool = true;
}

impl Numeric for f32 {
    const EXPECTED: &str = "a number such as 0.485";
    const HAS_FRACTIONS: bool = true;
}

impl Numeric for u32 {
    const EXPECTED: &str = "a whole number such as 42";
    const HAS_FRACTIONS: bool = false;
    const MOST: Option<u64> = Some(u32::MAX as u64);
}

impl Numeric for u64 {
    const EXPECTED: &str = u32::EXPECTED;
    const HAS_FRACTIONS: bool = false;
    const MOST: Option<u64> = Some(u64::MAX);
}

impl Numeric for usize {
    const EXPECTED: &str = u32::EXPECTED;
    const HAS_FRACTIONS: bool = false;
    const MOST: Option<u64> = Some(usize::MAX as u64);
}

/// A number, with or without spaces around it.
pub fn number<T: Numeric>(text: &str) -> Result<T, String> {
    let text = text.trim();
    // `0,001` in a list is `0` and `001`, which nobody types as a number.
    if text.len() > 1 && text.starts_with('0') && is_digits(text) && T::HAS_FRACTIONS {
        return Err(format!("expected {}: a decimal point, not a comma", T::EXPECTED));
    }
    text.parse().map_err(|_| match T::MOST {
        Some(most) if is_digits(text) => format!("at most {most}"),
        _ => or_pointed::<T>(text, T::EXPECTED),
    })
}

/// A number of bytes, such as 500MB or 8GiB.
pub fn bytes(text: &str) -> Result<ByteSize, String> {
    let text = text.trim();
    text.parse().map_err(|_| or_pointed::<ByteSize>(text, "a size such as 500MB or 8GiB"))
}

/// What is said of text that would be a value with a point in place of its comma, or else what was expected.
fn or_pointed<T: FromStr>(text: &str, expected: &str) -> String {
    let pointed = text.replacen(',', ".", 1);
    match text.contains(',') && pointed.parse::<T>().is_ok() {
        true => format!("a decimal point, not a comma: {pointed}"),
        false => format!("expected {expected}"),
    }
}

/// Whether it is a whole number, as what a decimal comma leaves of one is.
pub fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether it is two runs of digits with a comma between them.
pub fn is_decimal_comma(text: &str) -> bool {
    text.split_once(',').is_some_and(|(whole, fraction)| is_digits(whole) && is_digits(fraction))
}

/// `a=1,b=2` as `a=1` and `b=2`: a flag that may repeat takes its pairs in one list, too. What has a comma in a value stays as it is.
pub fn pairs_of(text: &str) -> Vec<&str> {
    let pairs: Vec<&str> = text.split(',').map(str::trim).collect();
    if pairs.iter().all(|pair| pair.contains('=')) { pairs } else { vec![text] }
}

/// A learning rate. In a list, `0` is most often what a decimal comma has left of one.
pub fn rate(text: &str) -> Result<f64, String> {
    match number(text)? {
        rate if rate > 0.0 => Ok(rate),
        _ => Err("expected a rate above 0; decimals stand after a point, not a comma: 0.001".into()),
    }
}

/// An entry of a list, without the spaces around it.
pub fn trimmed(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("nothing stands between two commas, or after the last"),
        word => Ok(word.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_typed() {
        assert_eq!(number::<u32>(" 43"), Ok(43));
        assert_eq!(number::<f64>("1e-3 "), Ok(0.001));
        assert_eq!(number::<f64>("0,001"), Err("a decimal point, not a comma: 0.001".into()));
        let half = "expected a number such as 0.001: a decimal point, not a comma";
        assert_eq!(number::<f64>("001"), Err(half.into()));
        assert_eq!((number::<f64>("0"), number::<u32>("007")), (Ok(0.0), Ok(7)));
        assert_eq!(number::<f64>("fast"), Err("expected a number such as 0.001".into()));
        assert!(rate("0").unwrap_err().contains("not a comma") && rate("1e-3") == Ok(0.001));
        assert_eq!(number::<u32>("100000000000"), Err("at most 4294967295".into()));
        assert_eq!(bytes("1,5GB"), Err("a decimal point, not a comma: 1.5GB".into()));
        assert!(bytes("8GiB").is_ok() && bytes("much").unwrap_err().contains("500MB"));
        assert_eq!(number::<u32>("4.5"), Err("expected a whole number such as 42".into()));
    }
}
