//! Text in the figures that a page shows. (Figures that are files only are in English.)

use kennel_core::Lang;

use super::language::Words;

impl Words {
    /// Heading of a reliability diagram without a temperature.
    pub fn as_trained(self, error: f64) -> String {
        format!("{}: {}", self.say("As trained", "После обучения"), self.error_of(error))
    }

    /// Heading of a reliability diagram at a temperature.
    pub fn at_temperature(self, temperature: f64, error: f64) -> String {
        let at = self.say("At temperature", "При температуре");
        format!("{at} {}: {}", self.fixed(temperature, 2), self.error_of(error))
    }

    fn error_of(self, error: f64) -> String {
        let error = self.fixed(100.0 * error, 1);
        format!("{} {error} %", self.say("calibration error", "ошибка калибровки"))
    }

    /// Key of a reliability diagram.
    pub fn reliability_key(self) -> [&'static str; 3] {
        self.say(
            ["accuracy of a bin", "at its mean confidence, 95 % interval", "calibrated"],
            ["точность интервала", "при его средней уверенности, 95 %", "калибровано"],
        )
    }

    /// Key of a learning curve.
    pub fn learning_curve_key(self) -> [&'static str; 4] {
        self.say(
            ["all draws together", "one draw", "power law", "95 % interval"],
            ["все выборки вместе", "одна выборка", "степенной закон", "интервал 95 %"],
        )
    }

    /// Key of training curves.
    pub fn curves_key(self) -> [&'static str; 2] {
        self.say(["validation", "training"], ["валидация", "обучение"])
    }

    /// A reliability diagram, for those who cannot see it.
    pub fn reliability_of(self, label: &str) -> String {
        match self.0 {
            Lang::En => {
                format!(
                    "Reliability diagram of {label}: accuracy over confidence on the test photos"
                )
            }
            Lang::Ru => {
                format!(
                    "Диаграмма надёжности {label}: точность и уверенность на тестовых фотографиях"
                )
            }
        }
    }

    /// A learning curve, for those who cannot see it.
    pub fn learning_curve_of(self, label: &str) -> String {
        match self.0 {
            Lang::En => format!(
                "Learning curve of {label}: errors of a convex head over the number of training \
                 photos"
            ),
            Lang::Ru => {
                format!(
                    "Кривая обучения {label}: ошибки выпуклой головы и число обучающих фотографий"
                )
            }
        }
    }
}
