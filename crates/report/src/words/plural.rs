//! Plural forms.

use kennel_core::Lang;

use super::language::Words;
use crate::thousands::thousands;

/// Chooses the English form for a count: one or many.
pub(super) fn english(n: usize, [one, many]: [&str; 2]) -> &str {
    if n == 1 { one } else { many }
}

/// Counts something in English: `3 photos`.
pub(super) fn english_count(n: usize, forms: [&str; 2]) -> String {
    format!("{} {}", thousands(n), english(n, forms))
}

/// Chooses the Russian form for a count: one (1, 21, 101), few (2 to 4, 22 to 24) or many (0, 5 to
/// 20, 111). Unicode CLDR, "Language Plural Rules".
pub(super) fn russian(n: usize, [one, few, many]: [&str; 3]) -> &str {
    match (n % 10, n % 100) {
        (1, hundredth) if hundredth != 11 => one,
        (2..=4, hundredth) if !(12..=14).contains(&hundredth) => few,
        _ => many,
    }
}

impl Words {
    /// Counts something: `3 photos`.
    fn counted(self, n: usize, en: [&str; 2], ru: [&str; 3]) -> String {
        match self.0 {
            Lang::En => english_count(n, en),
            Lang::Ru => format!("{} {}", thousands(n), russian(n, ru)),
        }
    }

    /// Counts photos.
    pub fn photos(self, n: usize) -> String {
        self.counted(n, ["photo", "photos"], ["фотография", "фотографии", "фотографий"])
    }

    /// Counts test photos.
    pub fn test_photos(self, n: usize) -> String {
        let ru = ["тестовая фотография", "тестовые фотографии", "тестовых фотографий"];
        self.counted(n, ["test photo", "test photos"], ru)
    }

    /// Counts classes.
    pub fn classes(self, n: usize) -> String {
        self.counted(n, ["class", "classes"], ["класс", "класса", "классов"])
    }

    /// Counts runs.
    pub fn runs(self, n: usize) -> String {
        self.counted(n, ["run", "runs"], ["запуск", "запуска", "запусков"])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn russian_has_three_forms_and_english_two() {
        let said = |lang: Lang, n| Words(lang).runs(n);
        for (n, en, ru) in [
            (0, "0 runs", "0 запусков"),
            (1, "1 run", "1 запуск"),
            (2, "2 runs", "2 запуска"),
            (5, "5 runs", "5 запусков"),
            (11, "11 runs", "11 запусков"),
            (21, "21 runs", "21 запуск"),
            (113, "113 runs", "113 запусков"),
            (124, "124 runs", "124 запуска"),
        ] {
            assert_eq!([said(Lang::En, n), said(Lang::Ru, n)], [en, ru]);
        }
    }
}
