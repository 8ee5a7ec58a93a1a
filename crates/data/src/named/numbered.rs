//! Numbered names, as shells and webdataset write them: `{000..999}.tar`.

/// Returns the names that a name with `{FIRST..LAST}` stands for, in order; none if it has no such
/// braces. Numbers get as many digits as the longer end if one of the ends begins with 0.
pub(super) fn numbered(name: &str) -> Option<Box<dyn Iterator<Item = String>>> {
    let (open, close, [first, last]) = braces(name)?;
    let is_padded = |end: &str| end.len() > 1 && end.starts_with('0');
    let width = match is_padded(first) || is_padded(last) {
        true => first.len().max(last.len()),
        false => 0,
    };
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    let (before, after) = (name[..open].to_string(), name[close + 1..].to_string());
    let number = move |number: u64| format!("{before}{number:0width$}{after}");
    let of_number = |name: String| {
        // Another pair of braces may follow.
        numbered(&name).unwrap_or_else(|| Box::new(std::iter::once(name)))
    };
    Some(match first <= last {
        true => Box::new((first..=last).map(number).flat_map(of_number)),
        false => Box::new((last..=first).rev().map(number).flat_map(of_number)),
    })
}

/// Finds the first braces around two numbers: where they open and close, and the numbers.
fn braces(name: &str) -> Option<(usize, usize, [&str; 2])> {
    name.match_indices('{').find_map(|(open, _)| {
        let close = open + name[open..].find('}')?;
        let (first, last) = name[open + 1..close].split_once("..")?;
        let is_number = |end: &str| !end.is_empty() && end.bytes().all(|b| b.is_ascii_digit());
        (is_number(first) && is_number(last)).then_some((open, close, [first, last]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_braces_are_counted() {
        let names = |name: &str| numbered(name).map(Iterator::collect::<Vec<_>>);
        assert_eq!(
            names("a/{08..11}.tar").unwrap(),
            ["a/08.tar", "a/09.tar", "a/10.tar", "a/11.tar"]
        );
        assert_eq!(names("{9..11}").unwrap(), ["9", "10", "11"]);
        assert_eq!(names("{2..1}-{0..1}").unwrap(), ["2-0", "2-1", "1-0", "1-1"]);
        assert_eq!(names("{x}{1..1}.jpg").unwrap(), ["{x}1.jpg"]);
        for plain in ["a.tar", "{a,b}.tar", "{1..}.tar", "{..}", "{a..c}.tar", "}1..2{", "{1..2"] {
            assert_eq!(names(plain), None, "{plain}");
        }
        // Found as they are taken.
        assert_eq!(numbered("{0..18446744073709551615}").unwrap().nth(2).unwrap(), "2");
        assert_eq!(names("{0..18446744073709551616}"), None);
    }
}
