//! Backward passes. What only a parent without gradient would need is neither kept nor computed.

use std::sync::Arc;

use burn::backend::Autodiff;
use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn_flex::FlexTensor;

use super::batch_norm::Normalisation;
use super::conv::{self, Geometry};
use super::nhwc::{self, ChannelsLast, Dims};
use super::normalised::{self, Kept, Normalised};
use super::pooling::{self, Window};
use super::{FoldCache, Kernels, elementwise, meeting};
use crate::{Activation, AdamStep, ConvSpec};

type Tracked<C> = FloatTensor<Autodiff<Flex, C>>;

/// Takes the gradient of the output of an operation. (A macro, because the type of nodes has no
/// public name.)
macro_rules! consume {
    ($grads:expr, $node:expr) => {{
        meeting::leave($node.id.value);
        $grads.consume::<Flex>(&$node)
    }};
}

/// Takes the gradient that a parent has already received from another consumer, if any. The caller
/// must add to it and register the sum. Returns `None` for leaves: Burn keeps the gradient of a
/// leaf when it is consumed, and so adds to it itself.
macro_rules! other_way {
    ($grads:expr, $node:expr) => {{
        let is_between = !$node.parents.is_empty();
        if is_between && meeting::is_second($node.id.value) {
            Some(ChannelsLast::new($grads.consume::<Flex>(&$node)))
        } else {
            None
        }
    }};
}

/// Registers the gradient of a parent, added to the one from another consumer, if any.
macro_rules! register {
    ($grads:expr, $node:expr, $gradient:expr) => {{
        let gradient = $gradient;
        let gradient = match other_way!($grads, $node) {
            Some(other) => {
                elementwise::residual_add(ChannelsLast::new(gradient), other, Activation::Identity)
            }
            None => gradient,
        };
        $grads.register::<Flex>($node.id, gradient);
    }};
}

impl<C: CheckpointStrategy> Kernels for Autodiff<Flex, C> {
    fn kernel_conv2d(x: Tracked<C>, weight: Tracked<C>, spec: ConvSpec) -> Tracked<C> {
        #[derive(Debug)]
        struct Conv;
        #[derive(Clone, Debug)]
        struct State {
            /// Kept if the weight takes a gradient.
            x: Option<Kept>,
            /// Kept if the input takes a gradient.
            weight: Option<FlexTensor>,
            geometry: Geometry,
        }
        impl Backward<Flex, 2> for Conv {
            type State = State;
            fn backward(self, ops: Ops<State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
                let [x_node, weight_node] = ops.parents;
                let gradient = ChannelsLast::new(consume!(grads, ops.node));
                let State { x, weight, geometry } = ops.state;
                if let (Some(node), Some(x)) = (weight_node, x) {
                    grads.register::<Flex>(node.id, conv::weight_gradient(&gradient, &x, &geometry));
                }
                if let (Some(node), Some(weight)) = (x_node, weight) {
                    register!(grads, node, conv::input_gradient(&gradient, &weight, &geometry));
                }
            }
        }
        let (x_is_tracked, weight_is_tracked) = (x.is_tracked(), weight.is_tracked());
        let x_id = x.node().id().value;
        let prepare = Conv.prepare::<C>([x.node(), weight.node()]).compute_bound().stateful();
        let (x, weight) = (ChannelsLast::new(x.into_primitive()), weight.into_primitive());
        let y = conv::forward(&x, &weight, spec);
        match prepare {
            OpsKind::Tracked(prepare) => {
                let geometry = Geometry::new(x.dims(), &weight, spec);
                let x = weight_is_tracked.then(|| conv::keep(x_id, x, &geometry));
                let weight = x_is_tracked.then_some(weight);
                prepare.finish(State { x, weight, geometry }, y)
            }
            OpsKind::UnTracked(prepare) => prepare.finish(y),
        }
    }

    fn kernel_conv2d_batch_norm(
        _: Tracked<C>,
        _: Tracked<C>,
        _: ConvSpec,
        _: Tracked<C>,
        _: Tracked<C>,
        _: Tracked<C>,
        _: Tracked<C>,
        _: f64,
        _: Activation,
        _: FoldCache,
    ) -> Tracked<C> {
        unreachable!("fused for plain tensors only: a backward pass needs what is between")
    }

    fn kernel_conv2d_batch_norm_add(
        _: Tracked<C>,
        _: Tracked<C>,
        _: ConvSpec,
        _: Tracked<C>,
        _: Tracked<C>,
        _: Tracked<C>,
        _: Tracked<C>,
        _: f64,
        _: Tracked<C>,
        _: Activation,
        _: FoldCache,
    ) -> Tracked<C> {
        unreachable!("fused for plain tensors only: a backward pass needs what is between")
    }

    fn kernel_batch_norm_train(
        x: Tracked<C>,
        weight: Tracked<C>,
        bias: Tracked<C>,
        eps: f64,
        activation: Activation,
    ) -> (Tracked<C>, Tracked<C>, Tracked<C>) {
        let nodes = [x.node(), weight.node(), bias.node()];
        let x = ChannelsLast::new(x.into_primitive());
        let (weight, bias) = (weight.into_primitive(), bias.into_primitive());
        let (normalisation, mean, variance) = Normalisation::of_batch(&x, &weight, &bias, eps);
        let y = match BatchNorm.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepare) => {
                let y = normalisation.apply(x.clone(), activation);
                let of = Arc::new(Normalised { x, normalisation, activation });
                let y = prepare.finish(BatchNormState { of: Arc::clone(&of), of_batch: true }, y);
                normalised::remember(y.node().id().value, &of);
                y
            }
            OpsKind::UnTracked(prepare) => prepare.finish(normalisation.apply(x, activation)),
        };
        (y, Tracked::<C>::new(mean), Tracked::<C>::new(variance))
    }

    fn kernel_batch_norm_inference(
        x: Tracked<C>,
        weight: Tracked<C>,
        bias: Tracked<C>,
        mean: Tracked<C>,
        variance: Tracked<C>,
        eps: f64,
        activation: Activation,
    ) -> Tracked<C> {
        let nodes = [x.node(), weight.node(), bias.node()];
        let x = ChannelsLast::new(x.into_primitive());
        let normalisation = Normalisation::given(
            &mean.into_primitive(),
            &variance.into_primitive(),
            &weight.into_primitive(),
            &bias.into_primitive(),
            eps,
        );
        match BatchNorm.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepare) => {
                let y = normalisation.apply(x.clone(), activation);
                let of = Arc::new(Normalised { x, normalisation, activation });
                let y = prepare.finish(BatchNormState { of: Arc::clone(&of), of_batch: false }, y);
                normalised::remember(y.node().id().value, &of);
                y
            }
            OpsKind::UnTracked(prepare) => prepare.finish(normalisation.apply(x, activation)),
        }
    }

    fn kernel_activate(x: Tracked<C>, activation: Activation) -> Tracked<C> {
        #[derive(Debug)]
        struct Activate;
        impl Backward<Flex, 1> for Activate {
            type State = (ChannelsLast, Activation);
            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                let gradient = ChannelsLast::new(consume!(grads, ops.node));
                let (x, activation) = ops.state;
                if let [Some(node)] = ops.parents {
                    register!(grads, node, elementwise::activate_gradient(&x, gradient, activation));
                }
            }
        }
        let prepare = Activate.prepare::<C>([x.node()]).compute_bound().stateful();
        let x = ChannelsLast::new(x.into_primitive());
        match prepare {
            OpsKind::Tracked(prepare) => {
                let y = elementwise::activate(x.clone(), activation);
                prepare.finish((x, activation), y)
            }
            OpsKind::UnTracked(prepare) => prepare.finish(elementwise::activate(x, activation)),
        }
    }

    fn kernel_residual_add(a: Tracked<C>, b: Tracked<C>, activation: Activation) -> Tracked<C> {
        #[derive(Debug)]
        struct ResidualAdd;
        impl Backward<Flex, 2> for ResidualAdd {
            /// The output, unless the activation is the identity.
            type State = Option<(ChannelsLast, Activation)>;
            fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
                let mut gradient = consume!(grads, ops.node);
                if let Some((y, activation)) = ops.state {
                    gradient = elementwise::residual_gradient(&y, ChannelsLast::new(gradient), activation);
                }
                let [a, b] = ops.parents;
                if let Some(node) = a {
                    register!(grads, node, gradient.clone());
                }
                if let Some(node) = b {
                    register!(grads, node, gradient);
                }
            }
        }
        let prepare = ResidualAdd.prepare::<C>([a.node(), b.node()]).compute_bound().stateful();
        let y = Flex::kernel_residual_add(a.into_primitive(), b.into_primitive(), activation);
        match prepare {
            OpsKind::Tracked(prepare) => {
                let is_linear = activation == Activation::Identity;
                let state = (!is_linear).then(|| (ChannelsLast::new(y.clone()), activation));
                prepare.finish(state, y)
            }
            OpsKind::UnTracked(prepare) => prepare.finish(y),
        }
    }

    fn kernel_scale_channels(x: Tracked<C>, factors: Tracked<C>) -> Tracked<C> {
        #[derive(Debug)]
        struct ScaleChannels;
        impl Backward<Flex, 2> for ScaleChannels {
            type State = (Option<ChannelsLast>, ChannelsLast);
            fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
                let [x_node, factors_node] = ops.parents;
                let gradient = ChannelsLast::new(consume!(grads, ops.node));
                let (x, factors) = ops.state;
                if let (Some(node), Some(x)) = (factors_node, x) {
                    register!(grads, node, elementwise::factors_gradient(&x, &gradient));
                }
                if let Some(node) = x_node {
                    register!(grads, node, elementwise::scale_channels(gradient, &factors));
                }
            }
        }
        let factors_are_tracked = factors.is_tracked();
        let prepare = ScaleChannels.prepare::<C>([x.node(), factors.node()]).compute_bound().stateful();
        let x = ChannelsLast::new(x.into_primitive());
        let factors = ChannelsLast::new(factors.into_primitive());
        match prepare {
            OpsKind::Tracked(prepare) => {
                let kept = factors_are_tracked.then(|| x.clone());
                let y = elementwise::scale_channels(x, &factors);
                prepare.finish((kept, factors), y)
            }
            OpsKind::UnTracked(prepare) => prepare.finish(elementwise::scale_channels(x, &factors)),
        }
    }

    fn kernel_global_avg_pool(x: Tracked<C>) -> Tracked<C> {
        #[derive(Debug)]
        struct GlobalAvgPool;
        impl Backward<Flex, 1> for GlobalAvgPool {
            type State = Dims;
            fn backward(self, ops: Ops<Dims, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                let gradient = ChannelsLast::new(consume!(grads, ops.node));
                if let [Some(node)] = ops.parents {
                    let other = other_way!(grads, node);
                    let gradient = pooling::global_avg_pool_gradient(&gradient, ops.state, other);
                    grads.register::<Flex>(node.id, gradient);
                }
            }
        }
        let prepare = GlobalAvgPool.prepare::<C>([x.node()]).compute_bound().stateful();
        let x = ChannelsLast::new(x.into_primitive());
        let y = pooling::global_avg_pool(&x);
        match prepare {
            OpsKind::Tracked(prepare) => prepare.finish(x.dims(), y),
            OpsKind::UnTracked(prepare) => prepare.finish(y),
        }
    }

    fn kernel_avg_pool2d(x: Tracked<C>, side: usize) -> Tracked<C> {
        #[derive(Debug)]
        struct AvgPool;
        impl Backward<Flex, 1> for AvgPool {
            type State = (Dims, usize);
            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                let gradient = ChannelsLast::new(consume!(grads, ops.node));
                let (dims, side) = ops.state;
                if let [Some(node)] = ops.parents {
                    register!(grads, node, pooling::avg_pool_gradient(&gradient, dims, side));
                }
            }
        }
        let prepare = AvgPool.prepare::<C>([x.node()]).compute_bound().stateful();
        let x = ChannelsLast::new(x.into_primitive());
        let y = pooling::avg_pool(&x, side);
        match prepare {
            OpsKind::Tracked(prepare) => prepare.finish((x.dims(), side), y),
            OpsKind::UnTracked(prepare) => prepare.finish(y),
        }
    }

    fn kernel_max_pool2d(x: Tracked<C>, kernel: usize, stride: usize, padding: usize) -> Tracked<C> {
        #[derive(Debug)]
        struct MaxPool;
        impl Backward<Flex, 1> for MaxPool {
            type State = (Kept, ChannelsLast, Window);
            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                let gradient = ChannelsLast::new(consume!(grads, ops.node));
                let (x, y, window) = ops.state;
                if let [Some(node)] = ops.parents {
                    register!(grads, node, pooling::max_pool_gradient(&x, &y, &gradient, window));
                }
            }
        }
        let window = Window { kernel, stride, padding };
        let x_id = x.node().id().value;
        let prepare = MaxPool.prepare::<C>([x.node()]).compute_bound().stateful();
        let x = ChannelsLast::new(x.into_primitive());
        let y = pooling::max_pool(&x, window);
        match prepare {
            OpsKind::Tracked(prepare) => {
                prepare.finish((Kept::new(x_id, x), ChannelsLast::new(y.clone()), window), y)
            }
            OpsKind::UnTracked(prepare) => prepare.finish(y),
        }
    }

    fn kernel_adam_step(
        _: Tracked<C>,
        _: Tracked<C>,
        _: Tracked<C>,
        _: Tracked<C>,
        _: AdamStep,
    ) -> (Tracked<C>, Tracked<C>, Tracked<C>) {
        unreachable!("the update of a weight is not itself differentiated")
    }
}

/// Backward pass of both normalisations.
#[derive(Debug)]
struct BatchNorm;

#[derive(Clone, Debug)]
struct BatchNormState {
    of: Arc<Normalised>,
    /// Whether the statistics are those of the batch `x`.
    of_batch: bool,
}

impl Backward<Flex, 3> for BatchNorm {
    type State = BatchNormState;

    fn backward(self, ops: Ops<BatchNormState, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [x_node, weight_node, bias_node] = ops.parents;
        let gradient = ChannelsLast::new(consume!(grads, ops.node));
        let BatchNormState { of, of_batch } = ops.state;
        let Normalised { x, normalisation, activation } = &*of;
        let wants_sums = of_batch || weight_node.is_some() || bias_node.is_some();
        let sums = wants_sums.then(|| normalisation.sums(x, &gradient, *activation));
        if let Some(sums) = &sums {
            let as_tensor = |sum: &[f64]| nhwc::vector(&sum.iter().map(|&x| x as f32).collect::<Vec<_>>());
            if let Some(node) = weight_node {
                grads.register::<Flex>(node.id, as_tensor(&sums.weight));
            }
            if let Some(node) = bias_node {
                grads.register::<Flex>(node.id, as_tensor(&sums.bias));
            }
        }
        if let Some(node) = x_node {
            let gradient = match sums.filter(|_| of_batch) {
                Some(sums) => normalisation.input_gradient_of_batch(x, gradient, &sums, *activation),
                None => normalisation.input_gradient(x, gradient, *activation),
            };
            register!(grads, node, gradient);
        }
    }
}
