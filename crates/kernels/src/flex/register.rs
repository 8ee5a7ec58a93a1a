//! Passes gradients on to parents. Macros, because the type of Burn's nodes has no public name.

/// Takes the gradient that a parent has already received from another kernel, if any. The caller
/// must add to it and register the sum. Burn adds the gradients of leaves and of results of its own
/// operations.
macro_rules! first_gradient {
    ($grads:expr, $node:expr, $parent:expr, $read:path) => {
        $parent.mark_gradient().then(|| $read($grads.consume::<Flex>(&$node)))
    };
}
pub(crate) use first_gradient;

/// Registers the gradient of a parent, added to the one from another kernel, if any: a tensor that
/// is a feature map, or, after the word `tokens`, the pixels of tokens.
macro_rules! register {
    ($grads:expr, $node:expr, $parent:expr, tokens $gradient:expr) => {{
        let gradient = ChannelsLast::into_tokens($gradient);
        register!(@ $grads, $node, $parent, gradient, ChannelsLast::of_tokens, |sum| {
            ChannelsLast::new(sum).into_tokens()
        })
    }};
    (@ $grads:expr, $node:expr, $parent:expr, $gradient:expr, $read:path, $write:expr) => {{
        let gradient = match first_gradient!($grads, $node, $parent, $read) {
            Some(first) => {
                $write(elementwise::residual_add($read($gradient), first, Activation::Identity))
            }
            None => $gradient,
        };
        $grads.register::<Flex>($node.id, gradient);
    }};
    ($grads:expr, $node:expr, $parent:expr, $gradient:expr) => {{
        let gradient = $gradient;
        register!(@ $grads, $node, $parent, gradient, ChannelsLast::new, std::convert::identity)
    }};
}
pub(crate) use register;
