//! Numbers as a language writes them: Russian has a decimal comma and its own units. A number in
//! scientific notation keeps its point in both, because that is how it is typed into settings.

use kennel_core::{Lang, duration};
use kennel_metrics::{Proportion, format_percent, format_proportion};

use super::language::Words;
use crate::p_value::{format_p, p_equals};

impl Words {
    /// Writes the decimal separator of the language.
    pub fn decimal(self, number: String) -> String {
        match self.0 {
            Lang::En => number,
            Lang::Ru => number.replace('.', ","),
        }
    }

    /// Formats a number with `decimals` decimals.
    pub fn fixed(self, number: f64, decimals: usize) -> String {
        self.decimal(format!("{number:.decimals$}"))
    }

    /// Formats a share as `97.3 %`. Rounding hides no mistake.
    pub fn share(self, share: f64) -> String {
        self.decimal(format!("{} %", format_percent(share)))
    }

    /// Formats `116/117 = 99.1 % (95 % CI 95.3-99.8)`.
    pub fn proportion(self, proportion: &Proportion) -> String {
        match self.0 {
            Lang::En => format_proportion(proportion),
            Lang::Ru => {
                let Proportion { correct, n, value, .. } = *proportion;
                let interval = self.interval(proportion);
                format!("{correct}/{n} = {} (95 % ДИ {interval})", self.share(value))
            }
        }
    }

    /// Formats the interval alone: `95.3-99.8`.
    pub fn interval(self, Proportion { low, high, .. }: &Proportion) -> String {
        self.decimal(format!("{}-{}", format_percent(*low), format_percent(*high)))
    }

    /// Formats a p value.
    pub fn p(self, p: f64) -> String {
        self.decimal(format_p(p))
    }

    /// Formats `p = 0.125` or `p < 0.001`.
    pub(super) fn p_equals(self, p: f64) -> String {
        self.decimal(p_equals(p))
    }

    /// Formats seconds: `3 min 20 s`.
    pub fn duration(self, seconds: f64) -> String {
        let text = duration(seconds);
        match self.0 {
            Lang::En => text,
            Lang::Ru => {
                let unit = |word: &str| match word {
                    "s" => "с".into(),
                    "min" => "мин".into(),
                    "h" => "ч".into(),
                    number => self.decimal(number.into()),
                };
                text.split(' ').map(unit).collect::<Vec<String>>().join(" ")
            }
        }
    }

    /// Formats bytes in GB.
    pub fn gigabytes(self, bytes: f64) -> String {
        format!("{} {}", self.fixed(bytes / 1e9, 2), self.say("GB", "ГБ"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn russian_numbers_have_a_comma_and_russian_units() {
        let words = Words(Lang::Ru);
        let proportion = words.proportion(&Proportion::new(116, 117));
        assert_eq!(proportion, "116/117 = 99,1 % (95 % ДИ 95,3-99,8)");
        assert_eq!(words.duration(200.0), "3 мин 20 с");
        assert_eq!(words.duration(1.04), "1,0 с");
        assert_eq!(words.gigabytes(1.5e9), "1,50 ГБ");
        assert_eq!(words.p(0.125), "0,125");
        assert_eq!(Words::ENGLISH.share(0.9996), "99.96 %");
    }
}
