"""What every resource does alike: arguments, diff, create and update, the journal, and the plugin that runs it all."""
