//! Whether a network looks at the background: how much of the heat lies outside the middle of the
//! photos, by class.

use serde::Serialize;

/// Fewest photos with heat by which a class is judged.
pub const MIN_PHOTOS: usize = 10;
/// Mean share of the heat outside the middle above which a class is suspicious.
/// docs/adr/0022-explanations.md has the measurement.
pub const SUSPICIOUS_OUTSIDE: f64 = 0.45;
/// Standard errors from the mean to the ends of a 95 % interval.
const STANDARD_ERRORS: f64 = 1.96;

/// Where the heat for a class lies, over photos that the network gives that class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Background {
    /// The class.
    pub class: String,
    /// Photos that the network gives this class.
    pub photos: usize,
    /// Photos of them with heat. A photo has none if no place speaks for the class.
    pub with_heat: usize,
    /// Share of the heat that lies outside the middle, in [0, 1]; None without a photo with heat.
    pub outside: Option<MeanShare>,
    /// Whether the network may look at the background: there are [`MIN_PHOTOS`] photos with heat,
    /// and the interval lies above [`SUSPICIOUS_OUTSIDE`].
    pub is_suspicious: bool,
}

/// A mean over photos, with its 95 % interval (that of a normal mean, from the photos' spread).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MeanShare {
    /// The mean.
    pub mean: f64,
    /// Lower end; 0 for a single photo.
    pub low: f64,
    /// Upper end; 1 for a single photo.
    pub high: f64,
}

/// Collects by class the shares of heat outside the middle. `photos` has the class that the network
/// gives each photo, and the share of its map ([`HeatMap::share_outside`](crate::HeatMap)).
///
/// # Panics
///
/// When a class has no name.
pub fn background(
    class_names: &[String],
    photos: impl IntoIterator<Item = (usize, Option<f64>)>,
) -> Vec<Background> {
    let mut of_class: Vec<Vec<Option<f64>>> = vec![Vec::new(); class_names.len()];
    photos.into_iter().for_each(|(class, share)| of_class[class].push(share));
    let judged = |(class, shares): (&String, Vec<Option<f64>>)| {
        let with_heat: Vec<f64> = shares.iter().copied().flatten().collect();
        let outside = MeanShare::of(&with_heat);
        let is_suspicious = with_heat.len() >= MIN_PHOTOS
            && outside.is_some_and(|outside| outside.low > SUSPICIOUS_OUTSIDE);
        Background {
            class: class.clone(),
            photos: shares.len(),
            with_heat: with_heat.len(),
            outside,
            is_suspicious,
        }
    };
    class_names.iter().zip(of_class).map(judged).collect()
}

impl MeanShare {
    fn of(shares: &[f64]) -> Option<Self> {
        let n = shares.len() as f64;
        let mean = shares.iter().sum::<f64>() / n;
        match shares.len() {
            0 => None,
            1 => Some(Self { mean, low: 0.0, high: 1.0 }),
            _ => {
                let variance = shares.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
                let half = STANDARD_ERRORS * (variance / n).sqrt();
                Some(Self { mean, low: (mean - half).max(0.0), high: (mean + half).min(1.0) })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named() -> Vec<String> {
        ["cat", "dog"].map(String::from).into()
    }

    #[test]
    fn a_class_is_suspicious_if_its_interval_lies_above_the_bound() {
        let above =
            |share: f64| (0..12).map(move |photo| (1, Some(share + 0.01 * (photo % 2) as f64)));
        let [cat, dog] = &background(&named(), above(SUSPICIOUS_OUTSIDE + 0.05))[..] else {
            panic!("two classes")
        };
        assert_eq!((cat.photos, cat.outside, cat.is_suspicious), (0, None, false));
        assert_eq!((dog.photos, dog.with_heat, dog.is_suspicious), (12, 12, true));
        assert!(!background(&named(), above(SUSPICIOUS_OUTSIDE - 0.05))[1].is_suspicious);
        // The same mean with a wide spread.
        let spread = (0..12).map(|photo| (1, Some(f64::from(photo % 2))));
        let wide = &background(&named(), spread)[1];
        assert!(wide.outside.unwrap().mean > SUSPICIOUS_OUTSIDE && !wide.is_suspicious);
    }

    #[test]
    fn few_photos_and_photos_without_heat_do_not_count() {
        let few = (0..MIN_PHOTOS).map(|photo| (0, (photo > 0).then_some(0.99)));
        let cat = &background(&named(), few)[0];
        assert_eq!((cat.photos, cat.with_heat), (MIN_PHOTOS, MIN_PHOTOS - 1));
        assert!(!cat.is_suspicious);
        let one = background(&named(), [(0, Some(0.7))])[0].outside.unwrap();
        assert_eq!((one.mean, one.low, one.high), (0.7, 0.0, 1.0));
    }

    #[test]
    fn the_interval_is_that_of_a_normal_mean() {
        // numpy: a = [0.2, 0.4, 0.9]; a.mean(), 1.96 * a.std(ddof=1) / 3 ** 0.5
        let found = MeanShare::of(&[0.2, 0.4, 0.9]).unwrap();
        assert!((found.mean - 0.5).abs() < 1e-12);
        assert!((found.high - found.mean - 0.408_006_5).abs() < 1e-6, "{found:?}");
    }
}
