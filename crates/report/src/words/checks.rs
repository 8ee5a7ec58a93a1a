//! What a reader must know before trusting the numbers: each check with its evidence, and in one
//! short sentence.

use kennel_core::Lang;
use kennel_metrics::{NotFitted, TEMPERATURES};

use super::language::Words;
use super::plural::russian;
use crate::honesty::{CheckKind, Level};

impl Words {
    /// The name of a check.
    pub fn check_title(self, kind: CheckKind) -> &'static str {
        match kind {
            CheckKind::Baseline => self.say("Zero-shot baseline", "Без обучения (zero-shot)"),
            CheckKind::Overlap => self.say("Pretraining overlap", "Видела ли сеть эти фотографии"),
            CheckKind::Duplicates => {
                self.say("Duplicates across splits", "Дубликаты по обе стороны разбиения")
            }
            CheckKind::TestCopies => {
                self.say("Copies among the test photos", "Копии среди тестовых фотографий")
            }
            CheckKind::Labels => self.say("Contradictory labels", "Противоречивые метки"),
            CheckKind::Calibration => self.say("Calibration", "Калибровка"),
            CheckKind::Training => self.say("Training", "Обучение"),
            CheckKind::Power => self.say("Power", "Мощность теста"),
            CheckKind::Pictures => self.say("Pictures", "Фотографии"),
        }
    }

    /// The outcome of all checks of a kind, the gravest of which has this level, in one sentence.
    pub fn check_in_short(self, kind: CheckKind, level: Level) -> &'static str {
        use CheckKind as Kind;
        match (kind, level) {
            (Kind::Baseline, Level::Fine) => self.say(
                "No network could be scored on these classes before training.",
                "Ни одну сеть нельзя было оценить на этих классах до обучения.",
            ),
            (Kind::Baseline, _) => self.say(
                "Training is worth what it adds to the untouched network.",
                "Обучение стоит того, что оно добавляет к нетронутой сети.",
            ),
            (Kind::Overlap, Level::Fine) => self.say(
                "Nothing says that the weights have seen the test photos.",
                "Ничто не говорит, что веса видели тестовые фотографии.",
            ),
            (Kind::Overlap, Level::Note) => self.say(
                "Some weights were fine-tuned before, on other classes.",
                "Некоторые веса уже дообучались, на других классах.",
            ),
            (Kind::Overlap, Level::Warning) => self.say(
                "The weights may have learned from these very photos: expect less on new ones.",
                "Веса могли учиться на этих самых фотографиях: на новых будет хуже.",
            ),
            (Kind::Duplicates, Level::Warning) => self.say(
                "Some pictures are on both sides of the split: the accuracy is too high.",
                "Некоторые картинки есть по обе стороны разбиения: точность завышена.",
            ),
            (Kind::Duplicates, _) => self.say(
                "No picture is on both sides of the split.",
                "Ни одной картинки нет по обе стороны разбиения.",
            ),
            (Kind::TestCopies, _) => self.say(
                "Some test photos are copies of others: the intervals should be wider.",
                "Некоторые тестовые фотографии — копии других: интервалы должны быть шире.",
            ),
            (Kind::Labels, _) => self.say(
                "Some pictures stand under more than one class.",
                "Некоторые картинки есть в нескольких классах.",
            ),
            (Kind::Calibration, _) => self.say(
                "How far the probabilities can be taken at their word.",
                "Насколько можно верить вероятностям.",
            ),
            (Kind::Training, Level::Fine) => {
                self.say("Every training has settled.", "Все обучения сошлись.")
            }
            (Kind::Training, Level::Note) => self.say(
                "Some runs were trained too little or too much.",
                "Некоторые запуски обучены слишком мало или слишком много.",
            ),
            (Kind::Training, Level::Warning) => {
                self.say("A training diverged.", "Одно из обучений разошлось.")
            }
            (Kind::Power, Level::Fine) => self.say(
                "There are enough test photos to tell the two best runs apart.",
                "Тестовых фотографий хватает, чтобы различить два лучших запуска.",
            ),
            (Kind::Power, _) => self.say(
                "There are too few test photos to tell the two best runs apart reliably.",
                "Тестовых фотографий мало, чтобы надёжно различить два лучших запуска.",
            ),
            (Kind::Pictures, _) => self.say(
                "Some photos are not in their place, so this page cannot show them.",
                "Некоторых фотографий нет на месте, поэтому их нет и на странице.",
            ),
        }
    }

    /// No class could be matched with one of ImageNet's. `[zero_shot, synset]` are the program's
    /// names.
    pub fn no_synsets(self, [zero_shot, synset]: [&str; 2]) -> String {
        match self.0 {
            Lang::En => format!(
                "Neither names nor file names say of every class which of ImageNet's it is, so no \
                 untouched head was scored. \
                 Where all are in it under other names, `{zero_shot}` with `{synset}` for each \
                 scores one."
            ),
            Lang::Ru => format!(
                "Ни имена классов, ни имена файлов не говорят о каждом классе, какой это класс \
                 ImageNet, поэтому нетронутая голова не \
                 оценена. Если все они там есть под другими именами, её оценит `{zero_shot}` с \
                 `{synset}` для каждого."
            ),
        }
    }

    /// A network has no baseline. `synset`: the setting that the command needs, too.
    pub fn no_baseline(self, model: &str, command: &str, synset: Option<&str>) -> String {
        match self.0 {
            Lang::En => {
                let synsets = synset.map_or_else(String::new, |synset| {
                    format!(", with the `{synset}`s that the other network was given,")
                });
                format!("{model} has no zero-shot baseline here; `{command}`{synsets} makes it.")
            }
            Lang::Ru => {
                let synsets = synset.map_or_else(String::new, |synset| {
                    format!(" с теми же `{synset}`, что и у другой сети")
                });
                format!("{model} не оценена до обучения; это сделает `{command}`{synsets}.")
            }
        }
    }

    /// The untouched head of a network.
    pub fn baseline(self, model: &str, classes: usize, accuracy: &str) -> String {
        match self.0 {
            Lang::En => format!(
                "Before any training the untouched ImageNet head of {model}, asked among these \
                 {classes} classes only, is right on {accuracy} of the \
                 test photos. Training is worth what it adds to that."
            ),
            Lang::Ru => format!(
                "До обучения нетронутая голова {model} с ImageNet, выбирая только из {classes} \
                 этих классов, верна на {accuracy} \
                 тестовых фотографий. Обучение стоит того, что оно к этому добавляет."
            ),
        }
    }

    /// A run began with weights that were fine-tuned on other classes.
    pub fn own_weights_of_others(self, run: &str, weights_run: &str) -> String {
        match self.0 {
            Lang::En => format!(
                "{run} began with weights that Kennel had fine-tuned (run {weights_run}) on other \
                 classes than these: it has learned from these \
                 photos only if they were among that run's under other names."
            ),
            Lang::Ru => format!(
                "{run} начат с весов, которые Kennel дообучил (запуск {weights_run}) на других \
                 классах: он учился на этих фотографиях, \
                 только если они были у того запуска под другими именами."
            ),
        }
    }

    /// A run began with weights that may have been fine-tuned on these photos.
    pub fn own_weights(self, run: &str, weights_run: &str) -> String {
        match self.0 {
            Lang::En => format!(
                "{run} began with weights that Kennel had fine-tuned (run {weights_run}). Where \
                 that run learned from these test photos, or was \
                 chosen by them, every accuracy here is higher than it would be on new ones: \
                 divide the photos as it did, with \
                 the same seed, or measure on others."
            ),
            Lang::Ru => format!(
                "{run} начат с весов, которые Kennel дообучил (запуск {weights_run}). Если тот \
                 запуск учился на этих тестовых \
                 фотографиях или выбран по ним, все точности здесь выше, чем были бы на новых: \
                 разделите фотографии так же, с тем же \
                 seed, или измерьте на других."
            ),
        }
    }

    /// Nothing was pretrained.
    pub fn nothing_pretrained(self) -> String {
        self.say("Nothing was pretrained.", "Ничего не предобучено.").into()
    }

    /// Photos are named like ImageNet's own.
    pub fn imagenet_names(self, named: usize, photos: usize) -> String {
        match self.0 {
            Lang::En => format!(
                "{named} of {photos} photos are named like ImageNet's own training photos \
                 (n########_#####). Weights that \
                 were pretrained on ImageNet have most likely learned from these very photos, so \
                 every accuracy here is higher \
                 than it would be on new ones. Compare runs with each other, and measure on \
                 photos of your own."
            ),
            Lang::Ru => format!(
                "Имена {named} фотографий из {photos} — как у обучающих фотографий ImageNet \
                 (n########_#####). Веса, предобученные на \
                 ImageNet, скорее всего, учились на этих самых фотографиях, поэтому все точности \
                 здесь выше, чем были бы на новых. \
                 Сравнивайте запуски между собой и измерьте на своих фотографиях."
            ),
        }
    }

    /// Classes are called as in ImageNet.
    pub fn imagenet_classes(self, classes: &str) -> String {
        match self.0 {
            Lang::En => format!(
                "Classes of ImageNet, by their names: {classes}. Weights that were pretrained on \
                 it have learned to tell such classes from \
                 others, and may have seen these photos: good numbers are to be expected, and say \
                 little about classes that \
                 ImageNet does not have."
            ),
            Lang::Ru => format!(
                "Классы ImageNet, судя по именам: {classes}. Веса, предобученные на нём, учились \
                 отличать такие классы от других и могли \
                 видеть эти фотографии: хорошие числа ожидаемы и мало говорят о классах, которых \
                 в ImageNet нет."
            ),
        }
    }

    /// No name points to ImageNet.
    pub fn no_overlap_seen(self) -> String {
        self.say(
            "Neither file names nor class names say that the weights were pretrained on these \
             photos. Weights that come from \
             elsewhere may know them all the same: nothing here can tell.",
            "Ни имена файлов, ни имена классов не говорят, что веса предобучены на этих \
             фотографиях. Веса из другого места могут \
             их знать и так: отсюда этого не видно.",
        )
        .into()
    }

    /// No picture occurs twice.
    pub fn no_duplicates(self) -> String {
        self.say("No picture is there twice.", "Ни одной картинки нет дважды.").into()
    }

    /// All copies stand on one side of the split.
    pub fn duplicates_apart(self, groups: usize) -> String {
        match self.0 {
            Lang::En => format!(
                "Pictures that are there twice or more ({groups}) stand on one side of the split \
                 each."
            ),
            Lang::Ru => format!(
                "Картинки, которые есть дважды или чаще ({groups}), стоят каждая по одну сторону \
                 разбиения."
            ),
        }
    }

    /// Copies stand on both sides of the split.
    pub fn duplicates_across(
        self,
        run: &str,
        n: usize,
        paths: &[&str],
        is_tested: bool,
        prepare: &str,
    ) -> String {
        let paths = paths.join(self.say(" and ", " и "));
        match self.0 {
            Lang::En => {
                let meaning = match is_tested {
                    true => "what was learned from one was tested on the other",
                    false => "the epoch was chosen on a picture that was learned",
                };
                format!(
                    "Pictures on both sides of the split of {run}: {n}. One is {paths}: \
                     {meaning}. Let `{prepare}` \
                     divide the photos anew."
                )
            }
            Lang::Ru => {
                let meaning = match is_tested {
                    true => "выученное на одной проверено на другой",
                    false => "эпоха выбрана по картинке, на которой учились",
                };
                format!(
                    "Картинки по обе стороны разбиения в {run}: {n}. Одна из них — {paths}: \
                     {meaning}. Пусть `{prepare}` разделит \
                     фотографии заново."
                )
            }
        }
    }

    /// Copies among the test photos.
    pub fn test_copies(self, copies: usize, n: usize) -> String {
        let different = n - copies;
        match self.0 {
            Lang::En => format!(
                "{copies} of the {n} test photos {} of another, so only {different} are different \
                 pictures. Intervals and p \
                 count every one as a photo of its own: the intervals should be wider, and p may \
                 be too small.",
                if copies == 1 { "is a copy" } else { "are copies" },
            ),
            Lang::Ru => format!(
                "{copies} из {n} тестовых фотографий — {} других, так что разных картинок только \
                 {different}. Интервалы и p считают \
                 каждую отдельной: интервалы должны быть шире, а p может быть слишком мало.",
                russian(copies, ["копия", "копии", "копии"]),
            ),
        }
    }

    /// Pictures under several classes.
    pub fn contradictory_labels(self, n: usize, [one, other]: [&str; 2], prepare: &str) -> String {
        match self.0 {
            Lang::En => format!(
                "Pictures that stand under more than one class: {n}. One is {one} and {other}. At \
                 most one of the labels is right: \
                 correct them and let `{prepare}` divide the photos anew."
            ),
            Lang::Ru => format!(
                "Картинки, которые есть в нескольких классах: {n}. Одна из них — {one} и {other}. \
                 Верна самое большее одна из меток: \
                 исправьте их, и пусть `{prepare}` разделит фотографии заново."
            ),
        }
    }

    /// Calibration of a run on its test photos; `fitted` is a sentence of this file.
    pub fn calibration(self, label: &str, error: f64, brier: f64, fitted: &str) -> String {
        let (error, brier) = (self.fixed(error, 4), self.fixed(brier, 4));
        match self.0 {
            Lang::En => format!(
                "{label}: expected calibration error {error}, Brier score {brier} on the test \
                 photos; \
                 {fitted}."
            ),
            Lang::Ru => format!(
                "{label}: ожидаемая ошибка калибровки {error}, оценка Брайера {brier} на тестовых \
                 фотографиях; {fitted}."
            ),
        }
    }

    /// The calibration error at the fitted temperature.
    pub fn with_temperature(self, temperature: f64, error: f64, is_validation: bool) -> String {
        let (temperature, error) = (self.fixed(temperature, 3), self.fixed(error, 4));
        let held_out = self.held_out(is_validation);
        match self.0 {
            Lang::En => {
                format!("with the temperature {temperature}, fitted {held_out}, it is {error}")
            }
            Lang::Ru => {
                format!("с температурой {temperature}, подобранной {held_out}, она равна {error}")
            }
        }
    }

    /// No temperature could be fitted.
    pub fn without_temperature(self, reason: NotFitted, is_validation: bool) -> String {
        let (held_out, reason) = (self.held_out(is_validation), self.not_fitted(reason));
        match self.0 {
            Lang::En => {
                format!("no temperature could be fitted {held_out} ({reason}), so T = 1")
            }
            Lang::Ru => {
                format!("подобрать температуру {held_out} нельзя ({reason}), поэтому T = 1")
            }
        }
    }

    /// There are no photos to fit a temperature on.
    pub fn nothing_to_fit_on(self) -> String {
        self.say(
            "there are no validation photos to fit a temperature on, so T = 1",
            "валидационных фотографий, чтобы подобрать температуру, нет, поэтому T = 1",
        )
        .into()
    }

    fn held_out(self, is_validation: bool) -> &'static str {
        match is_validation {
            true => self.say("on validation", "на валидации"),
            false => self.say("out of fold", "вне блоков"),
        }
    }

    /// Why no temperature was fitted.
    pub fn not_fitted(self, reason: NotFitted) -> String {
        match (self.0, reason) {
            (Lang::En, reason) => reason.to_string(),
            (Lang::Ru, NotFitted::NoError) => {
                "ни одной ошибки нет, и не видно, какая уверенность чрезмерна".into()
            }
            (Lang::Ru, NotFitted::AtBound) => {
                let (low, high) = TEMPERATURES;
                self.decimal(format!("лучшая лежит вне границ от {low} до {high}"))
            }
        }
    }

    /// There is no folder of photos.
    pub fn no_folder(self, data: &str, report: &str) -> String {
        match self.0 {
            Lang::En => format!(
                "There is no {data} in this folder: the numbers stand, the figures show no \
                 photos; `{report}` where the runs were \
                 trained shows them."
            ),
            Lang::Ru => format!(
                "В этой папке нет {data}: числа верны, но фотографий на рисунках нет; `{report}` \
                 там, где \
                 запуски обучались, покажет их."
            ),
        }
    }

    /// Some photos are gone.
    pub fn photos_gone(self, gone: usize, of: usize, data: &str) -> String {
        match self.0 {
            Lang::En => format!(
                "{gone} of {of} test photos are no longer in {data}: the numbers stand, the \
                 figures that show photos are without them."
            ),
            Lang::Ru => format!(
                "{gone} из {of} тестовых фотографий больше нет в {data}: числа верны, но на \
                 рисунках этих \
                 фотографий нет."
            ),
        }
    }
}
