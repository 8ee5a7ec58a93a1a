//! Backward passes of the functions on tokens. What only a parent without gradient would need is
//! neither kept nor computed.

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Flex};
use burn_flex::FlexTensor;

use super::kernels::{LayerScale, TokenKernels};
use super::layer_norm::LayerNormed;
use super::linear::Activated;
use super::response_norm::ResponseNorm;
use super::{attention, linear};
use crate::flex::elementwise;
use crate::flex::nhwc::{self, ChannelsLast};
use crate::flex::register::{first_gradient, register};
use crate::flex::saved_input::SavedInput;
use crate::flex::tape::{self, Step};
use crate::types::Activation;

type Tracked<C> = FloatTensor<Autodiff<Flex, C>>;

fn vector(values: &[f64]) -> FlexTensor {
    nhwc::vector(&values.iter().map(|&x| x as f32).collect::<Vec<_>>())
}

/// Makes a weight or its gradient, `[outputs, features]`.
fn matrix(values: crate::flex::buffer::Buffer, outputs: usize) -> FlexTensor {
    let features = values.len() / outputs;
    nhwc::contiguous(values, &[outputs, features])
}

impl<C: CheckpointStrategy> TokenKernels for Autodiff<Flex, C> {
    fn kernel_tokens_of_map(map: Tracked<C>) -> Tracked<C> {
        #[derive(Debug)]
        struct TokensOfMap;
        impl Backward<Flex, 1> for TokensOfMap {
            /// Height and width of the map.
            type State = Step<[usize; 2], 1>;
            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                grads: &mut Gradients,
                _: &mut Checkpointer,
            ) {
                let gradient = ChannelsLast::of_tokens(grads.consume::<Flex>(&ops.node));
                let Step { kept: [height, width], parents: [parent], .. } = ops.state;
                if let [Some(node)] = ops.parents {
                    let gradient = gradient.with_sides(height, width).into_tensor();
                    register!(grads, node, parent, gradient);
                }
            }
        }
        let nodes = [map.node()];
        let parents = tape::parents(&nodes);
        let prepare = TokensOfMap.prepare::<C>(nodes).compute_bound().stateful();
        let map = ChannelsLast::new(map.into_primitive());
        let sides = [map.dims().height, map.dims().width];
        let tokens = map.into_tokens();
        match prepare {
            OpsKind::Tracked(prepare) => tape::record(prepare, parents, sides, tokens, None),
            OpsKind::UnTracked(prepare) => prepare.finish(tokens),
        }
    }

    fn kernel_map_of_tokens(tokens: Tracked<C>, height: usize, width: usize) -> Tracked<C> {
        #[derive(Debug)]
        struct MapOfTokens;
        impl Backward<Flex, 1> for MapOfTokens {
            type State = Step<(), 1>;
            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                grads: &mut Gradients,
                _: &mut Checkpointer,
            ) {
                let gradient = ChannelsLast::new(grads.consume::<Flex>(&ops.node));
                let Step { parents: [parent], .. } = ops.state;
                if let [Some(node)] = ops.parents {
                    register!(grads, node, parent, tokens gradient);
                }
            }
        }
        let nodes = [tokens.node()];
        let parents = tape::parents(&nodes);
        let prepare = MapOfTokens.prepare::<C>(nodes).compute_bound().stateful();
        let map = Flex::kernel_map_of_tokens(tokens.into_primitive(), height, width);
        match prepare {
            OpsKind::Tracked(prepare) => tape::record(prepare, parents, (), map, None),
            OpsKind::UnTracked(prepare) => prepare.finish(map),
        }
    }

    fn kernel_linear_tokens(
        x: Tracked<C>,
        weight: Tracked<C>,
        bias: Tracked<C>,
        activation: Activation,
    ) -> Tracked<C> {
        #[derive(Debug)]
        struct Linear;
        #[derive(Clone, Debug)]
        struct Kept {
            /// Kept if the weight takes a gradient.
            x: Option<SavedInput>,
            /// Kept if the input takes a gradient.
            weight: Option<FlexTensor>,
            /// Kept if there is an activation.
            activated: Option<Arc<Activated>>,
        }
        impl Backward<Flex, 3> for Linear {
            type State = Step<Kept, 3>;
            fn backward(
                self,
                ops: Ops<Self::State, 3>,
                grads: &mut Gradients,
                _: &mut Checkpointer,
            ) {
                let [x_node, weight_node, bias_node] = ops.parents;
                let mut gradient = ChannelsLast::of_tokens(grads.consume::<Flex>(&ops.node));
                let Step { kept: Kept { x, weight, activated }, parents: [x_parent, ..], .. } =
                    ops.state;
                let mut sum = None;
                if let Some(activated) = activated {
                    let Activated { z, activation } = &*activated;
                    let (before, of_bias) = linear::activation_gradient(gradient, z, *activation);
                    (gradient, sum) = (before, Some(of_bias));
                }
                if let Some(node) = bias_node {
                    let sum = sum.unwrap_or_else(|| linear::bias_gradient(&gradient));
                    grads.register::<Flex>(node.id, vector(&sum));
                }
                if let (Some(node), Some(x)) = (weight_node, x) {
                    let of_weight = linear::weight_gradient(&gradient, &x);
                    let outputs = gradient.dims().channels;
                    grads.register::<Flex>(node.id, matrix(of_weight, outputs));
                }
                if let (Some(node), Some(weight)) = (x_node, weight) {
                    let of_x = linear::input_gradient(&gradient, &nhwc::values(&weight));
                    drop(gradient);
                    register!(grads, node, x_parent, tokens of_x);
                }
            }
        }
        let (x_is_tracked, weight_is_tracked) = (x.is_tracked(), weight.is_tracked());
        let nodes = [x.node(), weight.node(), bias.node()];
        let parents = tape::parents(&nodes);
        let prepare = Linear.prepare::<C>(nodes).compute_bound().stateful();
        let (x, weight) = (ChannelsLast::of_tokens(x.into_primitive()), weight.into_primitive());
        let bias = bias.into_primitive();
        match prepare {
            OpsKind::Tracked(prepare) => {
                let panels = linear::training_panels(&weight, weight_is_tracked);
                let (y, activated) = match activation {
                    Activation::Identity => {
                        (linear::activated(&x, &panels, &bias, activation), None)
                    }
                    _ => {
                        let (z, y) = linear::activated_and_before(&x, &panels, &bias, activation);
                        (y, Some(Arc::new(Activated { z, activation })))
                    }
                };
                let kept = Kept {
                    x: weight_is_tracked.then(|| SavedInput::new(x, &parents[0])),
                    weight: x_is_tracked.then_some(weight),
                    activated: activated.clone(),
                };
                let again = activated.map(|activated| activated as _);
                tape::record(prepare, parents, kept, y.into_tokens(), again.as_ref())
            }
            OpsKind::UnTracked(prepare) => {
                let panels = linear::inference_panels(&weight);
                let y = linear::activated(&x, &panels, &bias, activation);
                prepare.finish(y.into_tokens())
            }
        }
    }

    fn kernel_linear_residual_tokens(
        x: Tracked<C>,
        weight: Tracked<C>,
        bias: Tracked<C>,
        scale: LayerScale<Self>,
        shortcut: Tracked<C>,
    ) -> Tracked<C> {
        #[derive(Debug)]
        struct LinearResidual;
        #[derive(Clone, Debug)]
        struct Kept {
            /// Kept if weight or scale take a gradient.
            x: Option<SavedInput>,
            weight: FlexTensor,
            bias: FlexTensor,
            scale: Option<FlexTensor>,
        }
        impl Backward<Flex, 5> for LinearResidual {
            type State = Step<Kept, 5>;
            fn backward(
                self,
                ops: Ops<Self::State, 5>,
                grads: &mut Gradients,
                _: &mut Checkpointer,
            ) {
                let [x_node, weight_node, bias_node, scale_node, shortcut_node] = ops.parents;
                let tensor = grads.consume::<Flex>(&ops.node);
                let Step { kept: Kept { x, weight, bias, scale }, parents, .. } = ops.state;
                let [x_parent, _, _, _, shortcut_parent] = parents;
                let gradient = ChannelsLast::of_tokens(tensor);
                let outputs = gradient.dims().channels;
                let factors = scale.as_ref().map(|scale| nhwc::values(scale).to_vec());
                let sum = (bias_node.is_some() || scale_node.is_some())
                    .then(|| linear::bias_gradient(&gradient));
                // Of the scaled weight: that of weight and scale follow from it, so the values
                // before the scale need not be kept.
                let mut of_weight = x.map(|x| linear::weight_gradient(&gradient, &x));
                if let (Some(node), Some(of_weight), Some(sum)) = (scale_node, &of_weight, &sum) {
                    let of_scale = linear::scale_gradient(
                        of_weight,
                        &nhwc::values(&weight),
                        sum,
                        &nhwc::values(&bias),
                    );
                    grads.register::<Flex>(node.id, vector(&of_scale));
                }
                if let (Some(node), Some(mut sum)) = (bias_node, sum) {
                    if let Some(factors) = &factors {
                        sum.iter_mut().zip(factors).for_each(|(sum, &f)| *sum *= f64::from(f));
                    }
                    grads.register::<Flex>(node.id, vector(&sum));
                }
                if let (Some(node), Some(mut of_weight)) = (weight_node, of_weight.take()) {
                    if let Some(factors) = &factors {
                        linear::scale_outputs(&mut of_weight, factors);
                    }
                    grads.register::<Flex>(node.id, matrix(of_weight, outputs));
                }
                if let Some(node) = x_node {
                    let weight = linear::scaled(&weight, factors.as_deref());
                    let of_x = linear::input_gradient(&gradient, &weight);
                    register!(grads, node, x_parent, tokens of_x);
                }
                if let Some(node) = shortcut_node {
                    register!(grads, node, shortcut_parent, tokens gradient);
                }
            }
        }
        let scale = match scale {
            LayerScale::None => None,
            LayerScale::Factors(factors) => Some(factors),
        };
        let has_scale = scale.is_some();
        // An operation has as many parents as its type says: without a scale, one is a constant.
        let scale = scale.unwrap_or_else(|| Tracked::<C>::new(nhwc::vector(&[])));
        let weight_is_tracked = weight.is_tracked();
        let wants_x = weight_is_tracked || scale.is_tracked();
        let nodes = [x.node(), weight.node(), bias.node(), scale.node(), shortcut.node()];
        let parents = tape::parents(&nodes);
        let prepare = LinearResidual.prepare::<C>(nodes).compute_bound().stateful();
        let (weight, bias) = (weight.into_primitive(), bias.into_primitive());
        let scale = has_scale.then(|| scale.into_primitive());
        let x = ChannelsLast::of_tokens(x.into_primitive());
        let shortcut = ChannelsLast::of_tokens(shortcut.into_primitive());
        let of = |panels| linear::residual(&x, panels, &bias, scale.as_ref(), &shortcut);
        match prepare {
            OpsKind::Tracked(prepare) => {
                let panels = linear::training_panels(&weight, weight_is_tracked);
                let y = of(&panels).into_tokens();
                let x = wants_x.then(|| SavedInput::new(x, &parents[0]));
                let kept = Kept { x, weight, bias, scale };
                tape::record(prepare, parents, kept, y, None)
            }
            OpsKind::UnTracked(prepare) => {
                prepare.finish(of(&linear::inference_panels(&weight)).into_tokens())
            }
        }
    }

    fn kernel_layer_norm(
        x: Tracked<C>,
        weight: Tracked<C>,
        bias: Tracked<C>,
        eps: f64,
    ) -> Tracked<C> {
        #[derive(Debug)]
        struct LayerNorm;
        impl Backward<Flex, 3> for LayerNorm {
            type State = Step<Arc<LayerNormed>, 3>;
            fn backward(
                self,
                ops: Ops<Self::State, 3>,
                grads: &mut Gradients,
                _: &mut Checkpointer,
            ) {
                let [x_node, weight_node, bias_node] = ops.parents;
                let gradient = ChannelsLast::of_tokens(grads.consume::<Flex>(&ops.node));
                let Step { kept, parents: [x_parent, ..], .. } = ops.state;
                let first = x_node.as_ref().and_then(|node| {
                    first_gradient!(grads, node, x_parent, ChannelsLast::of_tokens)
                });
                let (of_x, [of_weight, of_bias]) = kept.gradients(gradient, first.as_ref());
                if let Some(node) = weight_node {
                    grads.register::<Flex>(node.id, vector(&of_weight));
                }
                if let Some(node) = bias_node {
                    grads.register::<Flex>(node.id, vector(&of_bias));
                }
                if let Some(node) = x_node {
                    grads.register::<Flex>(node.id, of_x.into_tokens());
                }
            }
        }
        let nodes = [x.node(), weight.node(), bias.node()];
        let parents = tape::parents(&nodes);
        let prepare = LayerNorm.prepare::<C>(nodes).compute_bound().stateful();
        let (weight, bias) = (weight.into_primitive(), bias.into_primitive());
        match prepare {
            OpsKind::Tracked(prepare) => {
                let x = ChannelsLast::of_tokens(x.into_primitive());
                let normed = Arc::new(LayerNormed::new(x, &weight, &bias, eps));
                let y = normed.output().into_tokens();
                let again = Arc::clone(&normed) as _;
                tape::record(prepare, parents, normed, y, Some(&again))
            }
            OpsKind::UnTracked(prepare) => {
                prepare.finish(Flex::kernel_layer_norm(x.into_primitive(), weight, bias, eps))
            }
        }
    }

    fn kernel_attention(qkv: Tracked<C>, heads: usize) -> Tracked<C> {
        #[derive(Debug)]
        struct Attention;
        #[derive(Clone, Debug)]
        struct Kept {
            qkv: ChannelsLast,
            output: ChannelsLast,
            log_sums: FlexTensor,
            heads: usize,
        }
        impl Backward<Flex, 1> for Attention {
            type State = Step<Kept, 1>;
            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                grads: &mut Gradients,
                _: &mut Checkpointer,
            ) {
                let gradient = ChannelsLast::of_tokens(grads.consume::<Flex>(&ops.node));
                let Step { kept, parents: [parent], .. } = ops.state;
                let Kept { qkv, output, log_sums, heads } = kept;
                if let [Some(node)] = ops.parents {
                    let log_sums = nhwc::values(&log_sums);
                    let of_qkv = attention::gradient(&qkv, heads, &output, &log_sums, &gradient);
                    register!(grads, node, parent, tokens of_qkv);
                }
            }
        }
        let nodes = [qkv.node()];
        let parents = tape::parents(&nodes);
        match Attention.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepare) => {
                let qkv = ChannelsLast::of_tokens(qkv.into_primitive());
                let len = attention::log_sum_len(&qkv, heads);
                let mut log_sums = crate::flex::buffer::Buffer::new(len);
                let output = attention::forward(&qkv, heads, Some(&mut log_sums));
                let log_sums = nhwc::contiguous(log_sums, &[len]);
                let kept = Kept { qkv, output: output.clone(), log_sums, heads };
                tape::record(prepare, parents, kept, output.into_tokens(), None)
            }
            OpsKind::UnTracked(prepare) => {
                prepare.finish(Flex::kernel_attention(qkv.into_primitive(), heads))
            }
        }
    }

    fn kernel_global_response_norm(
        x: Tracked<C>,
        weight: Tracked<C>,
        bias: Tracked<C>,
    ) -> Tracked<C> {
        #[derive(Debug)]
        struct GlobalResponseNorm;
        impl Backward<Flex, 3> for GlobalResponseNorm {
            type State = Step<(ChannelsLast, ResponseNorm), 3>;
            fn backward(
                self,
                ops: Ops<Self::State, 3>,
                grads: &mut Gradients,
                _: &mut Checkpointer,
            ) {
                let [x_node, weight_node, bias_node] = ops.parents;
                let gradient = ChannelsLast::of_tokens(grads.consume::<Flex>(&ops.node));
                let Step { kept: (x, norm), parents: [x_parent, ..], .. } = ops.state;
                let of = norm.gradients(&x, gradient);
                if let Some(node) = weight_node {
                    grads.register::<Flex>(node.id, vector(&of.weight));
                }
                if let Some(node) = bias_node {
                    grads.register::<Flex>(node.id, vector(&of.bias));
                }
                if let Some(node) = x_node {
                    register!(grads, node, x_parent, tokens of.x);
                }
            }
        }
        let nodes = [x.node(), weight.node(), bias.node()];
        let parents = tape::parents(&nodes);
        let prepare = GlobalResponseNorm.prepare::<C>(nodes).compute_bound().stateful();
        let x = ChannelsLast::of_tokens(x.into_primitive());
        let norm = ResponseNorm::new(&x, &weight.into_primitive(), &bias.into_primitive());
        match prepare {
            OpsKind::Tracked(prepare) => {
                let y = norm.apply(x.clone()).into_tokens();
                tape::record(prepare, parents, (x, norm), y, None)
            }
            OpsKind::UnTracked(prepare) => prepare.finish(norm.apply(x).into_tokens()),
        }
    }
}
