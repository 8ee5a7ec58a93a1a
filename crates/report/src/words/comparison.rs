//! Whether one run is better than another, in sentences.

use kennel_core::Lang;

use super::language::Words;
use super::plural::russian;
use crate::p_value::LEVEL;

/// Two runs that a sentence compares: their labels, and the photos that only each gets right.
#[derive(Clone, Copy)]
pub struct Compared<'a> {
    /// Labels of both.
    pub labels: [&'a str; 2],
    /// Photos that only the first, and that only the second, gets right.
    pub only: [usize; 2],
}

impl Words {
    /// Says whether the first run is better. `pairs` is the number of pairs that Holm's correction
    /// counts.
    pub fn verdict(self, compared: Compared, p: f64, p_holm: f64, pairs: usize) -> String {
        let Compared { labels: [a, b], only: [only_a, only_b] } = compared;
        let differing = only_a + only_b;
        let evidence = match self.0 {
            Lang::En => format!("no evidence that {a} is better than {b}: "),
            Lang::Ru => format!("нет доказательств, что {a} лучше, чем {b}: "),
        };
        if differing == 0 {
            let same = "both are right on the same photos";
            return evidence + self.say(same, "верны на одних и тех же фотографиях");
        }
        let differ = match self.0 {
            Lang::En => {
                let photos = if differing == 1 { "photo" } else { "photos" };
                format!("they differ on {differing} {photos}, {only_a} to {only_b}")
            }
            Lang::Ru => {
                let photos = russian(differing, ["фотографии", "фотографиях", "фотографиях"]);
                format!("расходятся на {differing} {photos}, {only_a} к {only_b}")
            }
        };
        let (p, holm) = (self.p_equals(p), self.p_equals(p_holm));
        let corrected = match (pairs, self.0) {
            (1, _) => String::new(),
            (_, Lang::En) => format!(", {holm} with Holm's correction for {pairs} pairs"),
            (_, Lang::Ru) => {
                let form = russian(pairs, ["пары", "пар", "пар"]);
                format!(", {holm} с поправкой Холма для {pairs} {form}")
            }
        };
        match (p_holm < LEVEL, self.0) {
            (true, Lang::En) => {
                format!("{a} is better than {b} on photos like these: {differ}, {p}{corrected}")
            }
            (true, Lang::Ru) => {
                format!("{a} лучше, чем {b}, на таких фотографиях: {differ}, {p}{corrected}")
            }
            (false, _) => format!("{evidence}{differ}, {p}{corrected}"),
        }
    }

    /// Says how many test photos would tell two runs apart. `need`: `None` if no difference was
    /// seen. `is_found`: whether the difference was evidence this time.
    pub fn power(
        self,
        compared: Compared,
        have: usize,
        need: Option<usize>,
        is_found: bool,
    ) -> String {
        let Compared { labels: [a, b], only: [only_a, only_b] } = compared;
        let found = match is_found {
            true => self.say(
                ", on which it was found this time",
                ", на которых разница на этот раз нашлась",
            ),
            false => "",
        };
        match (need, self.0) {
            (Some(need), Lang::En) => {
                let photos = if only_a == 1 { "photo" } else { "photos" };
                format!(
                    "To tell {a} from {b}, the two best by validation, by a difference as large \
                     as was seen ({only_a} {photos} to \
                     {only_b}), about {need} test photos are needed (paired test at 5 %, power 80 \
                     %); there are {have}{found}."
                )
            }
            (Some(need), Lang::Ru) => format!(
                "Чтобы отличить {a} от {b} (два лучших по валидации) по такой разнице ({only_a} к \
                 {only_b}), нужно около {need} \
                 тестовых фотографий (парный тест на уровне 5 %, мощность 80 %); есть \
                 {have}{found}."
            ),
            (None, Lang::En) if only_a == 0 => format!(
                "{a} and {b}, the two best by validation, are right on the same of the {have} test \
                 photos."
            ),
            (None, Lang::Ru) if only_a == 0 => format!(
                "{a} и {b}, два лучших по валидации, верны на одних и тех же из {have} тестовых \
                 фотографий."
            ),
            (None, Lang::En) => format!(
                "{a} and {b}, the two best by validation, are right on equally many of the {have} \
                 test photos ({only_a} to \
                 {only_b} where they differ): no difference was seen that more photos could \
                 confirm."
            ),
            (None, Lang::Ru) => format!(
                "{a} и {b}, два лучших по валидации, верны на одинаковом числе из {have} тестовых \
                 фотографий ({only_a} к {only_b} \
                 там, где расходятся): разницы, которую подтвердили бы новые фотографии, не видно."
            ),
        }
    }

    /// Compares a published count with ours.
    pub fn against(
        self,
        [label, name]: [&str; 2],
        [ours, n, theirs]: [usize; 3],
        p: f64,
        is_determined: bool,
    ) -> String {
        let p = self.p_equals(p);
        match self.0 {
            Lang::En => {
                let verb = match is_determined {
                    true => "the paired test gives ",
                    false => "no photos' records were published: at best the paired test gives ",
                };
                format!(
                    "{label} has {ours} of {n}, {name} {theirs}: if these were the same photos, \
                     {verb}{p}"
                )
            }
            Lang::Ru => {
                let verb = match is_determined {
                    true => "парный тест даёт ",
                    false => {
                        "записи по фотографиям не опубликованы, и парный тест даёт в лучшем случае "
                    }
                };
                format!(
                    "{label}: {ours} из {n}, {name}: {theirs}. Если это одни и те же фотографии, \
                     {verb}{p}"
                )
            }
        }
    }
}
