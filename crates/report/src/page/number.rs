//! Numbers of the page, read from the JSON that it embeds and rounded.

use kennel_core::duration;
use kennel_metrics::{Proportion, format_proportion};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use crate::table::thousands;

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
            Rounded::Count => "count".into(),
            Rounded::Scientific => "scientific".into(),
            Rounded::Duration => "duration".into(),
            Rounded::Gigabytes => "gigabytes".into(),
            Rounded::P => "p".into(),
        }
    }

    fn render(self, value: &Value) -> Option<String> {
        if let Rounded::Proportion = self {
            return Proportion::deserialize(value)
                .ok()
                .map(|proportion| format_proportion(&proportion));
        }
        let number = value.as_f64()?;
        Some(match self {
            Rounded::Fixed(decimals) => format!("{number:.decimals$}"),
            Rounded::PerCent => format!("{:.1} %", 100.0 * number),
            Rounded::Points => format!("{:.1}", 100.0 * number),
            Rounded::Count => thousands(value.as_u64()? as usize),
            Rounded::Scientific => format!("{number:e}"),
            Rounded::Duration => duration(number),
            Rounded::Gigabytes => format!("{:.2} GB", number / 1e9),
            Rounded::P => crate::format_p(number),
            Rounded::Proportion => return None,
        })
    }
}

/// Renders the number at `pointer` (RFC 6901) of the page's JSON, or a dash if there is none.
pub fn number(json: &Value, pointer: &str, rounded: Rounded) -> Markup {
    match json.pointer(pointer).and_then(|value| Some((value, rounded.render(value)?))) {
        Some((value, text)) => {
            html! { data value=(raw(value)) data-at=(pointer) data-format=(rounded.name()) { (text) } }
        }
        None => html! { "–" },
    }
}

/// Returns the unrounded number, for machines.
fn raw(value: &Value) -> String {
    value.get("value").unwrap_or(value).to_string()
}
