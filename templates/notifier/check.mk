	$(CLEVERSYNC) plugins check ./$(NAME).so \
		--set notifier.check.path=check/journal
