from synnefo.webproject.legacy_import import Command as Command
