//! Draws how a batch is mixed.

use kennel_core::Mixing;
use kennel_data::Chance;

use crate::Mix;
use crate::beta::beta;

/// Draws how the batch of a step is mixed, in the order of timm's `Mixup`. Depends on nothing but
/// its arguments, so a resumed run draws the same. None leaves the batch as it is.
pub fn draw_mix(
    mixing: &Mixing,
    seed: u64,
    epoch: usize,
    step: usize,
    side_px: usize,
) -> Option<Mix> {
    let mut chance = Chance::new(seed, "mix", &[epoch as u64, step as u64]);
    if !mixing.is_on(epoch) || !chance.happens(mixing.prob) {
        return None;
    }
    let pastes = match (mixing.mixup > 0.0, mixing.cutmix > 0.0) {
        (true, true) => chance.happens(mixing.switch_prob),
        (_, has_cutmix) => has_cutmix,
    };
    let share = beta(if pastes { mixing.cutmix } else { mixing.mixup }, &mut chance);
    if share == 1.0 {
        return None;
    }
    Some(match pastes {
        true => {
            let center = [(); 2].map(|()| chance.below(side_px as u64) as usize);
            Mix::paste(share, side_px, center)
        }
        false => Mix::Blend { share },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Mixing =
        Mixing { mixup: 0.8, cutmix: 1.0, prob: 1.0, switch_prob: 0.5, off_epoch: 0 };

    fn draws(mixing: &Mixing) -> Vec<Option<Mix>> {
        (0..2000).map(|step| draw_mix(mixing, 42, step / 100, step % 100, 224)).collect()
    }

    fn count(draws: &[Option<Mix>], keep: impl Fn(&Option<Mix>) -> bool) -> usize {
        draws.iter().filter(|mix| keep(mix)).count()
    }

    fn is_pasted(mix: &Option<Mix>) -> bool {
        matches!(mix, Some(Mix::Paste { .. }))
    }

    #[test]
    fn a_step_always_draws_the_same_and_steps_draw_differently() {
        let draws = draws(&BOTH);
        assert_eq!(draws, self::draws(&BOTH));
        assert!(draws.windows(2).all(|pair| pair[0] != pair[1]));
        assert_ne!(draw_mix(&BOTH, 42, 0, 1, 224), draw_mix(&BOTH, 43, 0, 1, 224));
        assert_ne!(draw_mix(&BOTH, 42, 0, 1, 224), draw_mix(&BOTH, 42, 1, 0, 224));
    }

    #[test]
    fn probabilities_and_alphas_choose_the_way() {
        let both = draws(&Mixing { switch_prob: 0.25, ..BOTH });
        assert!((430..570).contains(&count(&both, is_pasted)));
        let half = draws(&Mixing { prob: 0.5, ..BOTH });
        assert!((900..1100).contains(&count(&half, Option::is_none)));
        assert_eq!(count(&draws(&Mixing { cutmix: 0.0, ..BOTH }), is_pasted), 0);
        assert_eq!(count(&draws(&Mixing { mixup: 0.0, ..BOTH }), is_pasted), 2000);
        let first = draws(&Mixing { off_epoch: 3, ..BOTH });
        assert_eq!(first[..300], draws(&BOTH)[..300]);
        assert_eq!(count(&first[300..], Option::is_some), 0);
    }

    #[test]
    fn pasted_squares_lie_in_the_photo_and_their_share_is_counted() {
        for mix in draws(&Mixing { mixup: 0.0, ..BOTH }).into_iter().flatten() {
            let Mix::Paste { rows, columns, share } = &mix else { panic!("{mix:?}") };
            assert!(rows.end <= 224 && columns.end <= 224, "{mix:?}");
            let pasted = (rows.len() * columns.len()) as f64 / 224.0 / 224.0;
            assert!((1.0 - pasted - share).abs() < 1e-12 && (0.0..=1.0).contains(share), "{mix:?}");
        }
    }
}
