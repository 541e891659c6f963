import js from "@eslint/js";
import globals from "globals";

const rules = {
  ...js.configs.recommended.rules,
  "default-case-last": "error",
  eqeqeq: "error",
  "max-depth": ["error", 3],
  "max-lines": ["error", 250],
  "max-lines-per-function": ["error", 45],
  "no-implicit-globals": "error",
  "no-unused-private-class-members": "error",
  "no-var": "error",
  "object-shorthand": "error",
  "prefer-const": "error",
  "prefer-template": "error",
};

export default [
  { ignores: ["**/node_modules/", "**/.venv/", "web/vendor/", "**/build/", "**/dist/"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  { files: ["web/**/*.js"], languageOptions: { globals: globals.browser }, rules },
  { files: ["eslint.config.js"], languageOptions: { globals: globals.node }, rules },
];
