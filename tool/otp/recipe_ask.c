// Where the secret of a recipe comes from, as its options say.
#include "ask.h"
#include "otp/recipe.h"
#include "text.h"

enum exit_code recipe_ask_secret(struct run *run, struct otp_recipe *recipe)
{
    struct secret *text = NULL;
    if (run->options.generate)
        return recipe_generate(run, recipe);
    if (run->options.secret_file != NULL) {
        ask_file(run, run->options.secret_file, &text);
    } else if (!ask_possible()) {
        fault_set(&run->fault, EXIT_USAGE,
                  _("The secret is needed, and there is no terminal to ask for it."));
        fault_todo(&run->fault, _("Give it with --secret-file FILE, or make a new one with --generate."));
    } else {
        ask_secret(run, _("Secret (base32)"), EXIT_USAGE, &text);
    }
    if (run->fault.code == EXIT_OK)
        recipe_take_base32(run, secret_view(text), recipe);
    secret_free(text);
    return run->fault.code;
}
