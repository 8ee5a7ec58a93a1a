//! Numbers of the page, read from the JSON that it embeds and rounded.

use kennel_metrics::Proportion;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use crate::thousands::thousands;
use crate::words::Words;

/// How to round a number. The page names the rounding, so that readers can check the number.
#[derive(Clone, Copy, Debug)]
pub enum Rounded {
    /// This number of decimals.
    Fixed(usize),
    /// A share, in per cent with one decimal.
    PerCent,
    /// A difference of shares, in points with one decimal.
    Points,
    /// A count and its share with an interval.
    Proportion,
    /// The share of a proportion alone.
    Share,
    /// The interval of a proportion alone, in per cent.
    Interval,
    /// A whole number.
    Count,
    /// `1e-3`.
    Scientific,
    /// Seconds.
    Duration,
    /// Bytes, in GB.
    Gigabytes,
    /// A p value.
    P,
}

impl Rounded {
    fn name(self) -> String {
        match self {
            Rounded::Fixed(decimals) => format!("fixed{decimals}"),
            Rounded::PerCent => "percent".into(),
            Rounded::Points => "points".into(),
            Rounded::Proportion => "proportion".into(),
            Rounded::Share => "share".into(),
            Rounded::Interval => "interval".into(),
            Rounded::Count => "count".into(),
            Rounded::Scientific => "scientific".into(),
            Rounded::Duration => "duration".into(),
            Rounded::Gigabytes => "gigabytes".into(),
            Rounded::P => "p".into(),
        }
    }

    fn render(self, value: &Value, words: Words) -> Option<String> {
        let proportion = || Proportion::deserialize(value).ok();
        let number = || value.as_f64();
        Some(match self {
            Rounded::Proportion => words.proportion(&proportion()?),
            Rounded::Share => words.share(proportion()?.value),
            Rounded::Interval => words.interval(&proportion()?),
            Rounded::Fixed(decimals) => words.fixed(number()?, decimals),
            Rounded::PerCent => format!("{} %", words.fixed(100.0 * number()?, 1)),
            Rounded::Points => words.fixed(100.0 * number()?, 1),
            Rounded::Count => thousands(value.as_u64()? as usize),
            Rounded::Scientific => format!("{:e}", number()?),
            Rounded::Duration => words.duration(number()?),
            Rounded::Gigabytes => words.gigabytes(number()?),
            Rounded::P => words.p(number()?),
        })
    }
}

/// The numbers of a page.
#[derive(Clone, Copy)]
pub struct Numbers<'a> {
    /// The JSON that the page embeds.
    pub json: &'a Value,
    /// The language that writes them.
    pub words: Words,
}

impl Numbers<'_> {
    /// Renders the number at `pointer` (RFC 6901), or a dash if there is none.
    pub fn at(&self, pointer: &str, rounded: Rounded) -> Markup {
        let found = self.json.pointer(pointer);
        match found.and_then(|value| Some((value, rounded.render(value, self.words)?))) {
            Some((value, text)) => {
                html! {
                    data value=(raw(value)) data-at=(pointer) data-format=(rounded.name()) {
                        (text)
                    }
                }
            }
            None => html! { "–" },
        }
    }
}

/// Returns the unrounded number, for machines.
fn raw(value: &Value) -> String {
    value.get("value").unwrap_or(value).to_string()
}
