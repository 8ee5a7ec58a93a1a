//! Words about one run, and about runs side by side.

use kennel_core::{Lang, Method, TrialEnd};
use maud::{Markup, html};

use super::language::Words;
use super::plural::{english, english_count, russian};
use crate::course::Finding;

/// How many photos more.
#[derive(Clone, Copy)]
pub enum Ahead {
    /// Half as many again.
    HalfAgain,
    /// Twice as many.
    Twice,
}

impl Words {
    /// What the forest plot shows.
    pub fn forest_meaning(self, test_photos: usize) -> String {
        match (test_photos, self.0) {
            (0, Lang::En) => {
                "Accuracy on the validation photos with its 95 % interval, the highest on top."
                    .into()
            }
            (0, Lang::Ru) => {
                "Точность на валидационных фотографиях с интервалом 95 %, самая высокая сверху."
                    .into()
            }
            (n, Lang::En) => format!(
                "Accuracy on the same {} with its 95 % interval, the highest on top. Overlapping \
                 intervals do not settle which \
                 is better: the paired tests below do.",
                self.test_photos(n)
            ),
            (n, Lang::Ru) => format!(
                "Точность на одних и тех же {n} {} с интервалом 95 %, самая высокая сверху. \
                 Перекрытие интервалов не решает, какой \
                 запуск лучше: решают парные тесты ниже.",
                russian(n, ["тестовой фотографии", "тестовых фотографиях", "тестовых фотографиях"])
            ),
        }
    }

    /// The fold of runs that were left out.
    pub fn left_out(self, n: usize) -> String {
        match self.0 {
            Lang::En => format!("{} left out", english_count(n, ["run was", "runs were"])),
            Lang::Ru => format!("Не вошли в сравнение: {}", self.runs(n)),
        }
    }

    /// The fold of further runs.
    pub fn more_runs(self, n: usize) -> String {
        match self.0 {
            Lang::En => format!("{n} more {}", english(n, ["run", "runs"])),
            Lang::Ru => format!("Ещё {}", self.runs(n)),
        }
    }

    /// The fold of further classes.
    pub fn more_classes(self, n: usize) -> String {
        match self.0 {
            Lang::En => format!("{n} more {}", english(n, ["class", "classes"])),
            Lang::Ru => format!("Ещё {}", self.classes(n)),
        }
    }

    /// The fold of further confusions.
    pub fn more_confusions(self, n: usize) -> String {
        match self.0 {
            Lang::En => format!("{n} more"),
            Lang::Ru => format!("Ещё {n}"),
        }
    }

    /// What the drawing of times shows.
    pub fn scatter_title(self, runs: usize) -> String {
        match self.0 {
            Lang::En => format!(
                "Accuracy over training time of {}; the table of every number has both",
                self.runs(runs)
            ),
            Lang::Ru => format!(
                "Точность и время обучения, {}; в таблице всех чисел есть то и другое",
                self.runs(runs)
            ),
        }
    }

    /// The mean over seeds.
    pub fn mean_of_seeds(self, mean: Markup, seeds: usize, sd: Markup) -> Markup {
        match self.0 {
            Lang::En => {
                html! { "test " (mean) " in the mean of " (seeds) " seeds, standard \
                deviation " (sd) " points; right on " }
            }
            Lang::Ru => {
                html! { "тест " (mean) " в среднем по " (seeds) " seed, стандартное \
                отклонение " (sd) " пункта; верно " }
            }
        }
    }

    /// The end of a list of counts.
    pub fn of_photos(self, n: usize) -> String {
        match self.0 {
            Lang::En => format!(" of {n}."),
            Lang::Ru => format!(" из {n}."),
        }
    }

    /// Titles of the table of every number.
    pub fn number_titles(self) -> [&'static str; 9] {
        self.say(
            [
                "Test",
                "Best validation",
                "Log loss (nats)",
                "Epochs",
                "Learning rate",
                "Trained parameters",
                "Time",
                "Images/s",
                "Peak memory",
            ],
            [
                "Тест",
                "Лучшая валидация",
                "Log loss (нат)",
                "Эпохи",
                "Learning rate",
                "Обучено параметров",
                "Время",
                "Изображений/с",
                "Память",
            ],
        )
    }

    /// Caption of the table of every number.
    pub fn numbers_caption(self, test_photos: usize) -> String {
        match self.0 {
            Lang::En => {
                let same = match test_photos {
                    0 => "There are no test photos.".to_string(),
                    n => format!("Every run on the same {}.", self.test_photos(n)),
                };
                format!(
                    "{same} The epoch of each was chosen on the validation photos; so was the \
                     best run, marked with a star."
                )
            }
            Lang::Ru => {
                let same = match test_photos {
                    0 => "Тестовых фотографий нет.".to_string(),
                    n => format!("Тестовых фотографий, одних и тех же для всех: {n}."),
                };
                format!(
                    "{same} Эпоха каждого выбрана по валидационным фотографиям; по ним же и \
                     лучший запуск, отмеченный звездой."
                )
            }
        }
    }

    /// What was not trained.
    pub fn frozen_layers(self, method: Method, is_all_trained: bool, trained: &[String]) -> String {
        match method {
            Method::ZeroShot => self.say("everything", "всё").into(),
            Method::Soup => "–".into(),
            _ if is_all_trained => self.say("nothing", "ничего").into(),
            _ => format!("{} {}", self.say("all but", "всё, кроме"), trained.join(", ")),
        }
    }

    /// The triangle shows the best runs only.
    pub fn best_runs_only(self, n: usize) -> String {
        match self.0 {
            Lang::En => format!("The {n} most accurate runs."),
            Lang::Ru => format!("Самые точные запуски: {n}."),
        }
    }

    /// How many pairs are left out.
    pub fn more_pairs(self, n: usize) -> String {
        match self.0 {
            Lang::En => format!("And {n} more, none with a smaller p."),
            Lang::Ru => format!("И ещё {n}, ни одна не с меньшим p."),
        }
    }

    /// Titles of the table of pairs.
    pub fn pair_titles(self) -> [&'static str; 4] {
        self.say(
            ["Only the first is right", "Only the second", "p", "p, corrected"],
            ["Верен только первый", "Только второй", "p", "p с поправкой"],
        )
    }

    /// A finding in a word.
    pub fn finding(self, finding: Finding) -> &'static str {
        match finding {
            Finding::Converged => self.say("converged", "сошлось"),
            Finding::Overfitting => self.say("overfitting", "переобучение"),
            Finding::Diverging => self.say("diverging", "расходится"),
            Finding::Diverged => self.say("diverged", "разошлось"),
            Finding::Underfitting => self.say("underfitting", "недообучение"),
            Finding::StillImproving => self.say("still improving", "ещё улучшается"),
            Finding::HeadHardlyTrained => {
                self.say("head hardly trained", "голова почти не обучена")
            }
            Finding::MixedLabels => self.say("mixed labels", "смешанные метки"),
        }
    }

    /// The curves of a run, for those who cannot see them.
    pub fn curves_of(self, label: &str, finding: Option<&str>) -> String {
        let finding = finding.map_or_else(String::new, |finding| format!(": {finding}"));
        format!("{} {label}{finding}", self.say("Losses of", "Потери запуска"))
    }

    /// The epoch that was kept.
    pub fn epoch_kept(self, best: usize, epochs: usize) -> String {
        match self.0 {
            Lang::En => format!("epoch {best} of {epochs} kept"),
            Lang::Ru => format!("сохранена эпоха {best} из {epochs}"),
        }
    }

    /// A cell of the diagonal.
    pub fn rightly(self, class: &str, n: usize) -> Markup {
        match self.0 {
            Lang::En => html! { bdi { (class) } ", rightly: " (self.photos(n)) },
            Lang::Ru => html! { bdi { (class) } ", верно: " (self.photos(n)) },
        }
    }

    /// Another cell.
    pub fn taken_for(self, is: &str, said: &str, n: usize) -> Markup {
        match self.0 {
            Lang::En => html! { bdi { (is) } " taken for " bdi { (said) } ": " (self.photos(n)) },
            Lang::Ru => html! { bdi { (is) } " → " bdi { (said) } ": " (self.photos(n)) },
        }
    }

    /// Only some of the right photos are shown.
    pub fn least_sure_of_these(self, n: usize) -> String {
        match self.0 {
            Lang::En => format!("The {n} least sure of these."),
            Lang::Ru => format!("Самые неуверенные из них: {n}."),
        }
    }

    /// Titles of the table of published results: words, then numbers.
    pub fn published_words(self) -> [&'static str; 3] {
        self.say(
            ["Experiment", "Beside ours", "Its curves"],
            ["Эксперимент", "Рядом с нашими", "Его кривые"],
        )
    }

    /// Titles of its numbers.
    pub fn published_numbers(self) -> [&'static str; 4] {
        self.say(
            ["Test (%)", "Best validation (%)", "Epochs", "Learning rate"],
            ["Тест (%)", "Лучшая валидация (%)", "Эпохи", "Learning rate"],
        )
    }

    /// Where the files of a run are.
    pub fn files_of(self, name: &str) -> Markup {
        let files = html! { code { "plots/" (name) "_*" } };
        match self.0 {
            Lang::En => {
                html! { "Its confusion matrix, example photos and scores by class are also \
                files: " (files) "." }
            }
            Lang::Ru => {
                html! { "Матрица ошибок, примеры фотографий и числа по классам есть и в \
                файлах: " (files) "." }
            }
        }
    }

    /// Cached views of the photos. `fresh`: the setting for new ones.
    pub fn cached_views(self, views: usize, fresh: &str) -> String {
        match self.0 {
            Lang::En => format!(
                "The epochs cycled through {views} augmented views of each photo, whose features \
                 were cached. \
                 The published recipe draws a new view every epoch: {fresh}."
            ),
            Lang::Ru => format!(
                "Эпохи проходили по кругу изменённые виды каждой фотографии ({views}), признаки \
                 которых сохранены. Опубликованный рецепт \
                 рисует новый вид в каждой эпохе: {fresh}."
            ),
        }
    }

    /// Counts folds.
    pub fn folds(self, n: usize) -> String {
        match self.0 {
            Lang::En => english_count(n, ["fold", "folds"]),
            Lang::Ru => format!("{n} {}", russian(n, ["блок", "блока", "блоков"])),
        }
    }

    /// Names the table of class scores.
    pub fn scores_of(self, label: &str) -> String {
        format!("{} {label}", self.say("Scores by class of", "Числа по классам запуска"))
    }

    /// How a trial ended.
    pub fn trial_end(self, end: TrialEnd) -> &'static str {
        match end {
            TrialEnd::Finished => self.say("finished", "закончена"),
            TrialEnd::Halted => self.say("halted", "остановлена"),
            TrialEnd::Diverged => self.say("diverged", "разошлась"),
        }
    }

    /// Titles of the trials of a search.
    pub fn trial_titles(self) -> [&'static str; 7] {
        self.say(
            [
                "Learning rate",
                "Layer decay",
                "Drop path",
                "Epochs",
                "Validation",
                "Loss (nats)",
                "Time",
            ],
            [
                "Learning rate",
                "Layer decay",
                "Drop path",
                "Эпохи",
                "Валидация",
                "Потери (нат)",
                "Время",
            ],
        )
    }

    /// Titles of the candidates of `auto`.
    pub fn candidate_titles(self) -> [&'static str; 5] {
        self.say(
            ["Learning rate", "Share in the average", "Validation, right", "Loss (nats)", "Time"],
            ["Learning rate", "Доля в среднем", "Верно на валидации", "Потери (нат)", "Время"],
        )
    }

    /// Names the table of what a run tried.
    pub fn tried_by(self, label: &str) -> String {
        format!("{} {label}", self.say("What was tried by", "Что испробовал запуск"))
    }

    /// The tick of a share on an axis.
    pub fn tick(self, share: f64) -> String {
        let text = format!("{:.1}", 100.0 * share);
        self.decimal(format!("{} %", text.strip_suffix(".0").unwrap_or(&text)))
    }

    /// A round time on an axis.
    pub fn round_duration(self, seconds: f64) -> String {
        let [s, min, h] = self.say(["s", "min", "h"], ["с", "мин", "ч"]);
        match seconds {
            short if short < 60.0 => self.decimal(format!("{short} {s}")),
            minutes if minutes < 3600.0 => format!("{} {min}", minutes / 60.0),
            hours => format!("{} {h}", hours / 3600.0),
        }
    }

    /// Errors of convex heads: `[errors, photos]` with the fewest photos and with the most.
    pub fn convex_heads(self, [first, fewest]: [Markup; 2], [last, most]: [Markup; 2]) -> Markup {
        match self.0 {
            Lang::En => html! {
                "Convex heads on the frozen network are wrong on " (first) " of the photos that \
                 they have not seen if they are fitted to "
                (fewest) " photos, and on " (last) " if they are fitted to " (most) "."
            },
            Lang::Ru => html! {
                "Выпуклые головы на замороженной сети ошибаются на " (first) " фотографий, \
                 которых не видели, если подобраны по "
                (fewest) ", и на " (last) ", если по " (most) "."
            },
        }
    }

    /// What more photos would bring: `[gain, low, high]` in points.
    pub fn outlook(self, further: Vec<(Ahead, [Markup; 3])>) -> Markup {
        html! {
            (self.say("If errors go on falling as they did, ", "Если ошибки и дальше падают так \
                же, "))
            @for (order, (ahead, [gain, low, high])) in further.into_iter().enumerate() {
                @if order > 0 { (self.say(", and ", ", а ")) }
                (self.ahead(ahead))
                @if order == 0 { (self.say(" would \
                    bring ", " дадут ")) } @else { (self.say(" ", " — ")) }
                (gain) (self.say(" points (95 % interval ", " пункта (интервал 95 %: от ")) (low)
                (self.say(" to ", " до ")) (high) ")"
            }
            "."
        }
    }

    fn ahead(self, ahead: Ahead) -> &'static str {
        match ahead {
            Ahead::HalfAgain => self.say("half as many photos again", "ещё половина фотографий"),
            Ahead::Twice => self.say("twice the photos", "вдвое больше"),
        }
    }

    /// A gain with its interval.
    pub fn points_with_interval(self, gain: Markup, low: Markup, high: Markup) -> Markup {
        html! { (gain) " (" (low) (self.say(" to ", " до ")) (high) ")" }
    }

    /// What the second half of each class brought: class and points. `of_all`: classes for which it
    /// shows over all photos.
    pub fn halved(self, gains: Vec<(&str, Markup)>, of_all: &str) -> Markup {
        let are_gains = !gains.is_empty();
        html! {
            (self.say("Each class was halved in turn, the others kept whole. ", "Каждый класс по \
                очереди уменьшен вдвое, остальные целы. "))
            @for (order, (class, gain)) in gains.into_iter().enumerate() {
                @if order == 0 { (self.say("The second half of the photos of ", "Вторая половина \
                    фотографий класса ")) }
                @else { (self.say(", that of ", ", класса ")) }
                strong { bdi { (class) } }
                @if order == 0 { (self.say(" brought ", " дала ")) }
                @else { (self.say(" ", " — ")) }
                (gain)
                @if order == 0 { (self.say(" points of its recall", " пункта его полноты")) }
            }
            @if are_gains {
                (self.say(". As many again bring less, because errors fall ever more \
                    slowly. ", ". Столько же ещё раз дадут меньше: ошибки падают всё медленнее. "))
                @if of_all.is_empty() {
                    (self.say("Over all photos no such difference is beyond its uncertainty: \
                        other classes lose a part of it.",
                        "На всех фотографиях вместе ни одна такая разница не выходит за \
                         погрешность: часть теряют другие классы."))
                } @else {
                    (self.say("Over all photos the difference is beyond its uncertainty \
                        for ", "На всех фотографиях вместе разница выходит за погрешность для: "))
                    (of_all) "."
                }
            }
        }
    }

    /// Classes whose gain cannot be told.
    pub fn untold(self, classes: &str) -> String {
        match self.0 {
            Lang::En => format!(
                "What more photos of {classes} would bring cannot be told: the difference is \
                 within its uncertainty."
            ),
            Lang::Ru => format!(
                "Что дадут новые фотографии ({classes}), сказать нельзя: разница в пределах \
                 погрешности."
            ),
        }
    }

    /// Titles of the table of halved classes.
    pub fn halved_titles(self) -> [&'static str; 7] {
        self.say(
            [
                "Half",
                "All",
                "Wrong with half",
                "Wrong with all",
                "Of",
                "Points of recall",
                "Points of all photos",
            ],
            [
                "Половина",
                "Все",
                "Ошибок с половиной",
                "Ошибок со всеми",
                "Из",
                "Пункты полноты",
                "Пункты всех фотографий",
            ],
        )
    }

    /// Names the table of halved classes.
    pub fn halved_by(self, label: &str) -> String {
        format!(
            "{} {label}",
            self.say(
                "What half of each class brings to",
                "Что даёт половина каждого класса запуску"
            )
        )
    }

    /// How many known photos are refused.
    pub fn refusals(self, share: Markup, refused: Markup, is_test: bool) -> Markup {
        match self.0 {
            Lang::En => html! {
                "It may call " (share) " of known photos unknown. Of \
                 the " (if is_test { "test" } else { "validation" })
                " photos it calls " (refused) " unknown."
            },
            Lang::Ru => html! {
                "Назвать неизвестными можно " (share) " известных фотографий. \
                 Из " (if is_test { "тестовых" } else { "валидационных" })
                " названы неизвестными " (refused) "."
            },
        }
    }

    /// How many photos of classes that were left out are refused.
    pub fn unknown_by_left_out(self, refused: Markup) -> Markup {
        match self.0 {
            Lang::En => html! {
                "How many unknown photos it misses is not known: there were none. In their place, \
                 each class was left out in \
                 turn, and its validation photos were judged by what the others teach: "
                (refused) " of them were refused. They look more like the known classes than most \
                    unknown photos do, so most unknown \
                 photos are refused more often. It is no promise: try it on photos of yours."
            },
            Lang::Ru => html! {
                "Сколько неизвестных фотографий пропускается, неизвестно: их не было. Вместо них \
                 каждый класс по очереди исключался, и \
                 его валидационные фотографии проверялись тем, чему учат остальные: отклонено "
                (refused) ". Они похожи на известные классы больше, чем большинство неизвестных, \
                    поэтому неизвестные чаще всего \
                 отклоняются чаще. Это не обещание: проверьте на своих."
            },
        }
    }

    /// Names the table of classes that were left out.
    pub fn left_out_of(self, label: &str) -> String {
        format!("{} {label}", self.say("Classes that were left out of", "Классы, исключённые из"))
    }
}
