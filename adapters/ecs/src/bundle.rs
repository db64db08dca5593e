//! Several components at once: a component, or a tuple of up to eight.

use worldstore_core::Result;

use crate::component::Component;
use crate::ComponentValue;

/// Components that an entity gets together: one, a tuple of up to eight, or `()` for none.
///
/// A component that is there twice is written twice: its [rule](Component::combine) says what that becomes.
pub trait Bundle: Send + 'static {
    /// The values by name.
    ///
    /// # Errors
    /// Those of [`ComponentValue::of`].
    fn values(&self) -> Result<Vec<ComponentValue>>;
}

impl<Type: Component> Bundle for Type {
    fn values(&self) -> Result<Vec<ComponentValue>> {
        Ok(vec![ComponentValue::of(self)?])
    }
}

impl Bundle for () {
    fn values(&self) -> Result<Vec<ComponentValue>> {
        Ok(Vec::new())
    }
}

macro_rules! bundles {
    ($(($($type:ident $place:tt),+))+) => {
        $(impl<$($type: Component),+> Bundle for ($($type,)+) {
            fn values(&self) -> Result<Vec<ComponentValue>> {
                Ok(vec![$(ComponentValue::of(&self.$place)?),+])
            }
        })+
    };
}

bundles! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7)
}
