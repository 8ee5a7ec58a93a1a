//! How photos are shown to a network that is evaluated or used.

use super::Settings;
use crate::Preprocessing;

/// How photos are shown to a network in evaluation, prediction and export.
#[derive(Clone, Debug, PartialEq)]
pub struct TestView {
    /// Preprocessing of a photo.
    pub preprocessing: Preprocessing,
    /// Whether a photo's logits are the mean of its own and of those of its mirror image.
    pub flip: bool,
}

impl TestView {
    /// Returns the view of photos as they are, without mirror images.
    pub const fn plain(preprocessing: Preprocessing) -> Self {
        Self { preprocessing, flip: false }
    }
}

impl Settings {
    /// Returns how the network of a run sees photos in evaluation, prediction and export: at the
    /// test side if there is one (Touvron et al. 2019, "Fixing the train-test resolution
    /// discrepancy"), else as in training.
    pub fn test_view(&self) -> TestView {
        let of_training = &self.preprocessing;
        let preprocessing = Preprocessing {
            side_px: self.test_side_px.unwrap_or(of_training.side_px),
            crop_pct: self.test_crop_pct.unwrap_or(of_training.crop_pct),
            ..of_training.clone()
        };
        TestView { preprocessing, flip: self.test_flip }
    }

    /// Returns the first invalid field of the preprocessing, in training or in the test view: its
    /// key, the value found and what is expected.
    pub fn preprocessing_problem(&self) -> Option<(&'static str, String, &'static str)> {
        self.preprocessing.problem().or_else(|| {
            let (key, found, expected) = self.test_view().preprocessing.problem()?;
            let key = if key == "side_px" { "test_side_px" } else { "test_crop_pct" };
            Some((key, found, expected))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Interpolation, Strategy, Weights};

    #[test]
    fn the_test_view_differs_from_training_in_side_and_crop_only() {
        let preprocessing = Preprocessing::imagenet(224, 0.95, Interpolation::Bicubic);
        let plain = Settings::published(
            "resnet50".into(),
            Weights::Random,
            Strategy::Full,
            preprocessing.clone(),
        );
        assert_eq!(plain.test_view(), TestView::plain(preprocessing.clone()));
        let larger = Settings {
            test_side_px: Some(288),
            test_crop_pct: Some(1.0),
            test_flip: true,
            ..plain.clone()
        };
        let expected = Preprocessing { side_px: 288, crop_pct: 1.0, ..preprocessing };
        assert_eq!(larger.test_view(), TestView { preprocessing: expected, flip: true });
        assert_eq!(larger.preprocessing, plain.preprocessing);
        let wrong = Settings { test_side_px: Some(2000), ..plain };
        let (key, found, _) = wrong.preprocessing_problem().unwrap();
        assert_eq!((key, found.as_str()), ("test_side_px", "2000"));
    }
}
