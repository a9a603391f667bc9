"""How the API describes itself: the schema at /api/schema/ and the page over it."""

SPECTACULAR = {
    "TITLE": "Aditus API",
    "DESCRIPTION": "Extract job postings, draft CVs and cover letters, and run the AI providers behind them.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    # Serializers have fields of the same name, as `kind`; the schema names their values apart.
    "ENUM_NAME_OVERRIDES": {
        "DraftKind": "drafting.models.Kind",
        "PersonalTokenState": "accounts.models.personal_tokens.STATES",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "aditus.envelope.wrap_schema_responses",
        "aditus.envelope.drop_storage_limits",
        "orchestration.door.description.add_door",
    ],
}
