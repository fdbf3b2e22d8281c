"""The identity facades: v3 as Keystone speaks it, v2.0 as Synnefo 0.21 spoke it, over the same rules."""
